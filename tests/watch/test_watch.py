"""The watch beside a migration on a real API server: it follows, it ends by itself, and it gives up in one line."""

import json
import os
import pty
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.names import NAMESPACE
from components.operations.cluster_api.api import Cluster
from components.operations.events import tell
from components.operations.turn_annotations import TurnStep, clear, mark
from scripts.lab.paths import CHECKOUT
from scripts.lab.simulated.control_plane import ControlPlane
from scripts.watch.reading import WatchedCluster, look
from stacks.strategies import Milestone
from stacks.values import final_values, live_settings, migration_values
from tests.builders import FLANNEL, make_cilium
from tests.operations.conftest import eventually

pytestmark = pytest.mark.apiserver
NODES = ("worker-1", "worker-2")
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture
def plane() -> Iterator[ControlPlane]:
    with ControlPlane(simulated_nodes=True) as running:
        for name in NODES:
            running.add_node(name)
        yield running


def _apply(plane: ControlPlane, *objects: dict[str, Any]) -> None:
    together = {"apiVersion": "v1", "kind": "List", "items": objects}
    plane.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=json.dumps(together))


def _config_map(name: str, namespace: str, data: dict[str, str]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}, "data": data}


def _begin(plane: ControlPlane) -> Cluster:
    """As phase `secondary` leaves a cluster, with three pods on a node."""
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    live = live_settings(migration_values(make_cilium()))
    pod = {"containers": [{"name": "main", "image": "example"}], "nodeSelector": {"kubernetes.io/hostname": NODES[0]}}
    labels = {"app": "web"}
    web = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }
    record = _config_map("record", NAMESPACE, {"source": FLANNEL.model_dump_json()})
    _apply(plane, space, record, _config_map("cilium-config", "kube-system", live), web)
    return Cluster(kubeconfig=str(plane.kubeconfig))


def _finish(plane: ControlPlane) -> None:
    """Cilium alone: as the old CNI's DaemonSet was never there, this is the end of `cleanup`."""
    live = live_settings(final_values(make_cilium()))
    _apply(plane, _config_map("cilium-config", "kube-system", {**live, "custom-cni-conf": "false"}))


@contextmanager
def _watch(kubeconfig: Path, *words: str, **streams: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A watch in a process of its own, which does not outlive the test."""
    command = [sys.executable, "-m", "scripts.watch", "--kubeconfig", str(kubeconfig), *words]
    environment = {**os.environ, "COLUMNS": "140", "LINES": "40"}
    with subprocess.Popen(command, cwd=CHECKOUT, env=environment, **streams) as running:
        try:
            yield running
        finally:
            running.kill()


def _move(cluster: Cluster, node: str) -> None:
    for step, word in ((TurnStep.DRAINING, "Drain"), (TurnStep.SWITCHING, "Agent")):
        mark(cluster, node, step)
        tell(cluster, node, reason=f"Migration{word}", message=f"step of {node}")
    mark(cluster, node, TurnStep.MIGRATED)
    tell(cluster, node, reason="MigrationDone", message="migrated")


def test_a_look_says_where_the_migration_is(plane: ControlPlane) -> None:
    watched = WatchedCluster(kubeconfig=str(plane.kubeconfig))
    before = look(watched, cilium_namespace="kube-system")
    assert (before.phase, before.source, before.under_way, sorted(before.marks)) == ("", "", [], list(NODES))
    cluster = _begin(plane)
    assert look(watched, cilium_namespace="kube-system").milestone is Milestone.BOTH_NETWORKS
    mark(cluster, NODES[0], TurnStep.DRAINING)
    eventually(lambda: look(watched, cilium_namespace="kube-system").pods_left == {NODES[0]: 3})
    plane.kubectl("scale", "deployment/web", "--replicas=1")
    eventually(lambda: look(watched, cilium_namespace="kube-system").pods_left == {NODES[0]: 1})
    _move(cluster, NODES[0])
    after = look(watched, cilium_namespace="kube-system")
    assert (after.milestone, after.migrated, after.under_way, after.pods_left) == (
        Milestone.NODES_MOVE,
        [NODES[0]],
        [],
        {},
    )
    assert [each.step for each in after.told] == ["drain", "agent", ""]
    clear(cluster, NODES[0])
    assert look(watched, cilium_namespace="kube-system").migrated == []


def test_it_tells_every_step_in_lines_and_ends_with_the_migration(plane: ControlPlane) -> None:
    cluster = _begin(plane)
    with _watch(plane.kubeconfig, stdout=subprocess.PIPE) as running:
        _move(cluster, NODES[0])
        time.sleep(2.5)
        assert running.poll() is None
        _move(cluster, NODES[1])
        _finish(plane)
        output = running.communicate(timeout=30)[0].decode()
    assert running.returncode == 0, output
    for node in NODES:
        assert len(re.findall(rf"^\d\d:\d\d:\d\d {node} (?:drain|agent|done): ", output, re.MULTILINE)) == 3
    assert output.rstrip().endswith("✓ 2 of 2 nodes are on Cilium, phase cleanup is complete")


def test_on_a_terminal_it_is_one_view_that_changes(plane: ControlPlane) -> None:
    cluster = _begin(plane)
    mark(cluster, NODES[0], TurnStep.DRAINING)
    tell(cluster, NODES[0], reason="MigrationDrain", message="3 pods to evict")
    ours, theirs = pty.openpty()
    with _watch(plane.kubeconfig, "--until", "migrate", stdout=theirs, stdin=theirs) as running:
        os.close(theirs)
        seen = _read_until(ours, "pods left")
        for node in NODES:
            _move(cluster, node)
        seen += _read_until(ours, "is complete")
        assert running.wait(20) == 0
    os.close(ours)
    assert "0 of 2 nodes on Cilium" in seen
    assert "flows: no probe runs in namespace" in seen
    assert re.search(r"worker-1\s+0\s+drain\s+\S+ s\s+3\s+3 pods to evict", seen)
    assert "2 of 2 nodes on Cilium" in seen


def _read_until(descriptor: int, wanted: str, *, seconds: float = 30) -> str:
    seen, end = "", time.monotonic() + seconds
    while wanted not in seen:
        assert time.monotonic() < end, seen
        try:
            seen += os.read(descriptor, 65536).decode(errors="replace")
        except OSError:  # the other end has ended
            break
        seen = _ESCAPES.sub("", seen)
    assert wanted in seen
    return seen


def test_a_cluster_that_goes_away_is_given_up_after_the_patience(plane: ControlPlane) -> None:
    cluster = _begin(plane)
    with _watch(plane.kubeconfig, "--patience", "3", stdout=subprocess.PIPE) as running:
        tell(cluster, NODES[0], reason="MigrationDrain", message="3 pods to evict")
        assert running.stdout
        assert b"3 pods to evict" in running.stdout.readline()  # it has looked at the cluster
        plane.stop()
        output = running.communicate(timeout=40)[0].decode()
    assert running.returncode == 1
    assert re.fullmatch(r"✗ https://127\S+ has not answered for \d+ s.*watch again once it answers", output.strip())


def test_the_deadline_ends_it(plane: ControlPlane) -> None:
    with _watch(plane.kubeconfig, "--deadline", "2", stdout=subprocess.PIPE) as running:
        output = running.communicate(timeout=30)[0].decode()
    assert (running.returncode, output.strip()) == (
        1,
        "✗ cleanup was not reached in 2 s; the migration goes on unwatched",
    )


def _kubeconfig(folder: Path, port: int) -> Path:
    named = {"cluster": {"server": f"http://127.0.0.1:{port}"}, "name": "gone"}
    context = {"context": {"cluster": "gone", "user": "nobody"}, "name": "gone"}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [named],
        "contexts": [context],
        "users": [{"name": "nobody", "user": {}}],
        "current-context": "gone",
    }
    (folder / "config").write_text(yaml.safe_dump(config))
    return folder / "config"


@pytest.mark.parametrize("accepts", [False, True])
def test_a_cluster_that_never_answers_is_one_line(tmp_path: Path, accepts: bool) -> None:
    """A port that refuses, and one that takes connections and then says nothing."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        if accepts:
            listener.listen(64)
        kubeconfig = _kubeconfig(tmp_path, listener.getsockname()[1])
        with _watch(kubeconfig, "--patience", "2", stdout=subprocess.PIPE) as running:
            output = running.communicate(timeout=15)[0].decode()
    assert running.returncode == 1
    assert "has not answered for" in output
    assert len(output.strip().splitlines()) == 1

"""A migration by the real engine on simulated nodes: watched while it goes, and reported afterwards."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from components.checks import Severity
from scripts.lab.paths import CHECKOUT
from scripts.lab.session import Session
from scripts.lab.simulated import lab
from scripts.lab.simulated.control_plane import ControlPlane
from scripts.report.collect import collect
from scripts.report.figures import headline
from scripts.report.model import Report
from scripts.report.page import to_html

pytestmark = [pytest.mark.engine, pytest.mark.apiserver, pytest.mark.timeout(600)]
NODES = ("worker-1", "worker-2", "worker-3")
# The API and the engine tell times to the second, each rounded in its own way.
ROUNDED = timedelta(seconds=2)
_PATIENCE_SECONDS = 40.0


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[ControlPlane]:
    with ControlPlane(tmp_path / "plane", simulated_nodes=True, pod_network=lab.POD_NETWORK) as running:
        lab.populate(running, 3)
        yield running


def test_a_migration_is_watched_and_reported(plane: ControlPlane, tmp_path: Path) -> None:
    stack = Session.start(
        kubeconfig=plane.kubeconfig, stack="reported", template="Pulumi.simulated.yaml", folder=tmp_path, echo=False
    )
    stack.set(traffic__enabled="false")  # what is watched here is the turns
    stack.up()
    stack.set(phase="secondary")
    stack.up()
    command = [sys.executable, "-m", "scripts.watch", "--until", "migrate", "--kubeconfig", str(plane.kubeconfig)]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as watch:
        try:
            for number, node in enumerate(NODES):
                stack.set_path(f"waves[{number}][0]", node)
            stack.up()
            watched = watch.communicate(timeout=120)[0]
        finally:
            watch.kill()
    assert watch.returncode == 0
    for node in NODES:
        assert f"{node} drain: " in watched
        assert f"{node} done: migrated" in watched
    assert "3 of 3 nodes are on Cilium, phase migrate is complete" in watched

    def collected() -> Report:
        return collect(
            stack.stack, folder=stack.program, kubeconfig=str(plane.kubeconfig), environment=stack.environment
        )  # fmt: skip

    # The probe of the node that moved last has just started, and prints its first record some time after that.
    report, patience = collected(), time.monotonic() + _PATIENCE_SECONDS
    while not report.measurement or {flow.source_node for flow in report.measurement.flows} != set(NODES):
        assert time.monotonic() < patience, report.measurement
        report = collected()
    assert report.left_out == ()
    assert [run.phase for run in report.updates] == ["preflight", "secondary", "migrate"]
    assert [(turn.node, turn.wave, turn.state) for turn in report.turns] == [
        (node, number, "done") for number, node in enumerate(NODES)
    ]
    moved = report.updates[-1]
    outputs = json.loads(stack.pulumi("stack", "output", "--json", quiet=True).output)["nodes"]
    for turn in report.turns:
        assert [step.name for step in turn.steps] == ["cordon", "drain", "agent", "recycle", "verify", "uncordon"]
        assert moved.start - ROUNDED <= turn.steps[0].start <= turn.steps[-1].end <= moved.end + ROUNDED
        assert datetime.fromisoformat(outputs[turn.node]["began"]) - ROUNDED <= turn.steps[0].start
        assert turn.steps[-1].end <= datetime.fromisoformat(outputs[turn.node]["finished"]) + ROUNDED
    for before, after in pairwise(report.turns):
        assert after.steps[0].start >= before.steps[-1].end - ROUNDED
    assert not [finding for finding in report.findings if finding.severity is Severity.BLOCKER]
    assert (report.source, report.versions.cilium_wanted) == ("Flannel", "1.19.7")
    assert report.versions.cilium_running[0].startswith("quay.io/cilium/cilium")
    assert headline(report).sentence == "Nothing was lost, all 3 nodes are on Cilium."
    page = to_html(report)
    assert page.count("<title>worker-") > sum(len(turn.steps) for turn in report.turns), "the matrix has marks too"

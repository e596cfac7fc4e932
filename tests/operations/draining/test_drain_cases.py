"""The drain's options and the troubles that it meets, against a real API server."""

import threading
import time
from typing import Any

import pytest

from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError
from components.operations.deadline import OperationError, StoppedError, stopping
from components.operations.draining.cordon import cordon
from components.operations.draining.drain import pods_on
from components.operations.turn_annotations import TurnStep
from scripts.lab.simulated.control_plane import ControlPlane
from tests.operations.conftest import Space, eventually
from tests.operations.draining.site import APPS, Background, counted, here, only_on, run

pytestmark = pytest.mark.apiserver

HELD = {"metadata": {"finalizers": ["example.com/hold"]}}
FREE = {"metadata": {"finalizers": None}}


@pytest.fixture
def cordoned(cluster: Cluster, node: str, space: Space) -> str:
    """The test's node with three pods pinned to it, cordoned."""
    space.deployment("web", replicas=3, **here(node))
    eventually(lambda: len(space.ready("web")) == 3)
    cordon(cluster, node, step=TurnStep.DRAINING)
    return node


def forbid_evictions(space: Space) -> None:
    space.budget("pdb", app="web", min_available=3)
    counted(space, "pdb", healthy=3)


def hold(space: Space, name: str) -> str:
    path = space.path("pods", name)
    space.cluster.patch(path, HELD)
    return path


def test_blocked_pods_hold_up_no_other_however_many(cluster: Cluster, node: str, space: Space) -> None:
    space.deployment("web", replicas=25, **here(node))
    space.deployment("zeta", replicas=15, **here(node))
    space.budget("pdb", app="web", min_available=25)
    eventually(lambda: len(space.ready("web")) == 25 and len(space.ready("zeta")) == 15, 60)
    counted(space, "pdb", healthy=25)
    cordon(cluster, node, step=TurnStep.DRAINING)
    with pytest.raises(OperationError, match="25 of 40 pods could not be evicted") as caught:
        run(cluster, node, timeout_seconds=5)
    lines = str(caught.value).splitlines()
    assert len([line for line in lines if "budget" in line and "needs 25 available, has 25" in line]) == 25
    assert only_on(space, "zeta", node) == []


def test_an_api_server_that_is_away_in_the_middle_is_waited_for(
    control_plane: ControlPlane, space: Space, cordoned: str, capsys: pytest.CaptureFixture[str]
) -> None:
    class Away(Cluster):
        back_at = 0.0

        def _send(self, method: str, path: str, *rest: Any) -> bytes:
            if path.endswith("/eviction") and not self.back_at:
                self.back_at = time.monotonic() + 1
            if time.monotonic() < self.back_at:
                raise ClusterError(f"{method} {path}: no answer")
            return super()._send(method, path, *rest)

    cluster = Away(kubeconfig=str(control_plane.kubeconfig))
    assert len(run(cluster, cordoned, wait_for_replacements=False)) == 3
    said = capsys.readouterr().err
    assert f"3 pods waiting ({space.name}/web-" in said
    assert "the API server does not answer" in said


def test_a_stop_ends_a_drain_that_waits(cluster: Cluster, space: Space, cordoned: str) -> None:
    forbid_evictions(space)
    asked = threading.Timer(1, stopping.set)
    asked.start()
    try:
        with pytest.raises(StoppedError):
            run(cluster, cordoned, timeout_seconds=120)
    finally:
        asked.cancel()
        asked.join()
        stopping.clear()
    assert len(only_on(space, "web", cordoned)) == 3


def test_a_pod_stuck_in_its_deletion_is_skipped_if_asked(cluster: Cluster, space: Space, cordoned: str) -> None:
    path = hold(space, only_on(space, "web", cordoned)[0])
    try:
        run(cluster, cordoned, skip_wait_for_delete_seconds=1, timeout_seconds=15, wait_for_replacements=False)
        assert cluster.get(path)["metadata"]["deletionTimestamp"]
    finally:
        cluster.patch(path, FREE)


def test_pods_outside_the_selector_stay(cluster: Cluster, node: str, space: Space) -> None:
    for app in ("web", "store"):
        space.deployment(app, replicas=2, **here(node))
    eventually(lambda: len(space.ready("web")) == len(space.ready("store")) == 2)
    cordon(cluster, node, step=TurnStep.DRAINING)
    evicted = run(cluster, node, pod_selector="app in (web)", wait_for_replacements=False)
    assert len(evicted) == 2
    assert len(only_on(space, "store", node)) == 2
    assert only_on(space, "web", node) == []


def test_without_evictions_budgets_do_not_count(cluster: Cluster, space: Space, cordoned: str) -> None:
    forbid_evictions(space)
    assert len(run(cluster, cordoned, disable_eviction=True, wait_for_replacements=False)) == 3


@pytest.mark.parametrize(
    ("fields", "options"),
    [
        ({"volumes": [{"name": "cache", "emptyDir": {}}]}, {"delete_empty_dir_data": True}),
        ({"metadata": {"ownerReferences": None}}, {"force": True}),
    ],
)
def test_what_is_refused_is_evicted_with_consent(
    cluster: Cluster, space: Space, node: str, fields: dict[str, Any], options: dict[str, bool]
) -> None:
    orphan = fields.pop("metadata", None)
    space.deployment("web", replicas=1, **here(node), **fields)
    eventually(lambda: len(space.ready("web")) == 1)
    cordon(cluster, node, step=TurnStep.DRAINING)
    if orphan:
        bare = {"metadata": {"name": "bare"}, "spec": {**space.pod_spec("bare")["spec"], "nodeName": node}}
        cluster.create(space.path("pods"), {"apiVersion": "v1", "kind": "Pod", **bare})
    with pytest.raises(OperationError, match="nothing was evicted"):
        run(cluster, node, wait_for_replacements=False)
    assert run(cluster, node, wait_for_replacements=False, **options)
    # Other tests' DaemonSets are on every node of the shared cluster.
    eventually(lambda: not [pod for pod in pods_on(cluster, node) if pod.namespace == space.name])


def test_a_rolling_update_in_between_does_not_hang_it(cluster: Cluster, node: str, space: Space) -> None:
    space.deployment("web", replicas=3)
    eventually(lambda: len(space.ready("web")) == 3)
    space.budget("pdb", app="web", min_available=3)
    counted(space, "pdb", healthy=3)
    cordon(cluster, node, step=TurnStep.DRAINING)
    draining = Background(cluster, node)
    change = {"spec": {"template": {"metadata": {"annotations": {"version": "2"}}}}}
    cluster.patch(space.path("deployments", "web", group=APPS), change)
    draining.outcome()
    assert only_on(space, "web", node) == []
    assert len(space.ready("web")) >= 3


def test_every_kind_of_workload_is_waited_for(cluster: Cluster, node: str, space: Space) -> None:
    template = {"replicas": 3, "template": space.pod_spec("store")}
    cluster.create(
        space.path("statefulsets", group=APPS),
        {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": {"name": "store"},
            "spec": {**template, "serviceName": "store", "selector": {"matchLabels": {"app": "store"}}},
        },
    )
    old = {"replicas": 3, "template": space.pod_spec("old"), "selector": {"app": "old"}}
    cluster.create(
        space.path("replicationcontrollers"),
        {"apiVersion": "v1", "kind": "ReplicationController", "metadata": {"name": "old"}, "spec": old},
    )
    eventually(lambda: len(space.ready("store")) == len(space.ready("old")) == 3)
    cordon(cluster, node, step=TurnStep.DRAINING)
    run(cluster, node)
    for app in ("store", "old"):
        assert len(space.ready(app)) == 3
        assert only_on(space, app, node) == []


def test_who_waits_for_a_place_is_said_in_the_schedulers_words(
    cluster: Cluster, node: str, space: Space, capsys: pytest.CaptureFixture[str]
) -> None:
    old = {"replicas": 1, "template": space.pod_spec("old", **here(node)), "selector": {"app": "old"}}
    cluster.create(
        space.path("replicationcontrollers"),
        {"apiVersion": "v1", "kind": "ReplicationController", "metadata": {"name": "old"}, "spec": old},
    )
    eventually(lambda: len(space.ready("old")) == 1)
    cordon(cluster, node, step=TurnStep.DRAINING)
    with pytest.raises(OperationError) as caught:
        run(cluster, node, replacements_timeout_seconds=2)
    text = str(caught.value)
    assert f"ReplicationController {space.name}/old has 0 of 1 pod Ready (pod old-" in text
    assert "is unschedulable: 0/" in text
    assert "drain.waitForReplacements" in text
    assert "is unschedulable: 0/" in capsys.readouterr().err


def test_a_pod_of_a_namespace_that_goes_is_waited_for(cluster: Cluster, space: Space, cordoned: str) -> None:
    path = hold(space, only_on(space, "web", cordoned)[0])
    try:
        cluster.delete(f"/api/v1/namespaces/{space.name}")
        draining = Background(cluster, cordoned, wait_for_replacements=False)
        time.sleep(1.5)
        assert draining.under_way
    finally:
        cluster.patch(path, FREE)
    assert f"{space.name}/" in draining.outcome()[0]

"""The drain against a real API server: evictions, budgets and deadlines are the server's own."""

import threading
import time

import pytest

from components.operations.cluster_api.api import Cluster
from components.operations.deadline import OperationError
from components.operations.draining.cordon import cordon, uncordon
from components.operations.draining.drain import pods_on
from components.operations.turn_annotations import TurnStep, read_node, step_of
from tests.operations.conftest import Space, eventually
from tests.operations.draining.site import only_on, run

pytestmark = pytest.mark.apiserver


def test_pods_leave_and_are_ready_elsewhere_when_it_returns(cluster: Cluster, node: str, space: Space) -> None:
    space.deployment("web", replicas=4)
    space.daemon_set("agent")
    eventually(lambda: len(space.ready("web")) == 4 and len(space.ready("agent")) >= 2)
    before = only_on(space, "web", node)
    assert before
    cordon(cluster, node, step=TurnStep.DRAINING)
    evicted = run(cluster, node)
    assert sorted(evicted) == sorted(f"{space.name}/{name}" for name in before)
    assert only_on(space, "web", node) == []
    assert len(space.ready("web")) == 4
    assert only_on(space, "agent", node)


def test_a_second_drain_has_nothing_to_do(cluster: Cluster, node: str, space: Space) -> None:
    space.deployment("web", replicas=2)
    eventually(lambda: len(space.ready("web")) == 2)
    cordon(cluster, node, step=TurnStep.DRAINING)
    run(cluster, node)
    assert run(cluster, node) == ()


def test_a_refusal_evicts_nothing(cluster: Cluster, node: str, space: Space) -> None:
    space.deployment("web", replicas=3)
    bare = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "bare"},
        "spec": {**space.pod_spec("bare")["spec"], "nodeName": node},
    }
    cluster.create(space.path("pods"), bare)
    eventually(lambda: len(space.ready("web")) == 3)
    cordon(cluster, node, step=TurnStep.DRAINING)
    before = {pod.uid for pod in pods_on(cluster, node)}
    with pytest.raises(OperationError, match=f"pod {space.name}/bare has no controller"):
        run(cluster, node)
    assert {pod.uid for pod in pods_on(cluster, node)} == before


def test_a_blocked_eviction_names_the_budget_with_its_numbers(cluster: Cluster, node: str, space: Space) -> None:
    space.deployment("web", replicas=2, nodeSelector={"kubernetes.io/hostname": node})
    space.budget("web-pdb", app="web", min_available=2)
    eventually(lambda: len(space.ready("web")) == 2)
    eventually(lambda: _healthy(space) == 2)
    cordon(cluster, node, step=TurnStep.DRAINING)
    with pytest.raises(OperationError) as caught:
        run(cluster, node, timeout_seconds=2)
    text = str(caught.value)
    assert f"budget {space.name}/web-pdb needs 2 available, has 2" in text
    assert f"node {node} stays cordoned" in text
    assert "pulumi up" in text
    assert len(only_on(space, "web", node)) == 2


def _healthy(space: Space) -> int:
    (budget,) = space.cluster.list(space.path("poddisruptionbudgets", group="/apis/policy/v1"))
    return int((budget.get("status") or {}).get("currentHealthy") or 0)


def test_an_eviction_that_a_budget_blocks_succeeds_once_it_may(cluster: Cluster, node: str, space: Space) -> None:
    space.deployment("web", replicas=2)
    space.budget("web-pdb", app="web", min_available=2)
    eventually(lambda: len(space.ready("web")) == 2 and _healthy(space) == 2)
    cordon(cluster, node, step=TurnStep.DRAINING)
    outcome: list[tuple[str, ...]] = []
    draining = threading.Thread(target=lambda: outcome.append(run(cluster, node)))
    draining.start()
    time.sleep(1)
    assert draining.is_alive() or outcome == [()]
    cluster.patch(space.path("deployments", "web", group="/apis/apps/v1"), {"spec": {"replicas": 4}})
    draining.join(timeout=40)
    assert outcome
    assert only_on(space, "web", node) == []


def test_two_budgets_on_one_pod_are_reported_as_what_they_are(cluster: Cluster, node: str, space: Space) -> None:
    space.deployment("web", replicas=2, nodeSelector={"kubernetes.io/hostname": node})
    space.budget("one", app="web", min_available=0)
    space.budget("two", app="web", min_available=0)
    eventually(lambda: len(space.ready("web")) == 2)
    cordon(cluster, node, step=TurnStep.DRAINING)
    with pytest.raises(OperationError, match="more than one PodDisruptionBudget"):
        run(cluster, node, timeout_seconds=5)


def test_replacements_that_find_no_room_are_named(cluster: Cluster, node: str, space: Space) -> None:
    space.deployment("web", replicas=1, nodeSelector={"kubernetes.io/hostname": node})
    eventually(lambda: len(space.ready("web")) == 1)
    cordon(cluster, node, step=TurnStep.DRAINING)
    with pytest.raises(
        OperationError,
        match=r"Deployment .*/web has 0 of 1 pod Ready \(pod web-.* is unschedulable: 0/\d+ nodes are available",
    ):
        run(cluster, node, replacements_timeout_seconds=2)


def test_a_pod_that_a_finalizer_holds_is_named(cluster: Cluster, node: str, space: Space) -> None:
    space.deployment("web", replicas=1, nodeSelector={"kubernetes.io/hostname": node})
    eventually(lambda: len(space.ready("web")) == 1)
    (pod,) = space.pods("web")
    path = space.path("pods", pod["metadata"]["name"])
    cluster.patch(path, {"metadata": {"finalizers": ["example.com/hold"]}})
    cordon(cluster, node, step=TurnStep.DRAINING)
    try:
        with pytest.raises(OperationError, match=r"still terminating after 3 s, held by finalizers example\.com/hold"):
            run(cluster, node, timeout_seconds=3)
    finally:
        cluster.patch(path, {"metadata": {"finalizers": None}})


def test_a_node_cordoned_before_its_turn_stays_so_after(cluster: Cluster, node: str) -> None:
    cluster.patch(f"/api/v1/nodes/{node}", {"spec": {"unschedulable": True}})
    cordon(cluster, node, step=TurnStep.DRAINING)
    cordon(cluster, node, step=TurnStep.DRAINING)
    assert uncordon(cluster, node) is False
    assert read_node(cluster, node).unschedulable


def test_a_node_that_we_cordoned_is_given_back(cluster: Cluster, node: str) -> None:
    cordon(cluster, node, step=TurnStep.DRAINING)
    cordon(cluster, node, step=TurnStep.DRAINING)
    assert read_node(cluster, node).unschedulable
    assert step_of(read_node(cluster, node)) is TurnStep.DRAINING
    assert uncordon(cluster, node) is True
    assert not read_node(cluster, node).unschedulable

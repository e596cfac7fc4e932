"""All agents at once, and workloads that are waited for, on an API in memory."""

from collections.abc import Mapping

import pytest

from components.operations.cluster_api.errors import CommandResult
from components.operations.deadline import OperationError
from components.operations.progress import Progress
from components.operations.required_workloads import wait_for_watched
from components.operations.turn_steps.rollout import RESTARTED, assert_tunnels, roll_agents
from tests.turns.api import Client, Object, Objects

SPACE, APPS = "kube-system", "/apis/apps/v1/namespaces/kube-system"
UP_TO_DATE = {
    "desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 3, "numberReady": 3,
    "observedGeneration": 1,
}  # fmt: skip


def _installed(*, live: str = "vxlan", has: str = "", status: Mapping[str, int] | None = None) -> Objects:
    objects = Objects()
    config = {"metadata": {"name": "cilium-config"}, "data": {"tunnel-protocol": live}}
    objects.add(f"/api/v1/namespaces/{SPACE}/configmaps", config)
    annotations = {RESTARTED: has} if has else {}
    agents: Object = {
        "metadata": {"name": "cilium", "generation": 1},
        "spec": {"template": {"metadata": {"annotations": annotations}}},
        "status": {**UP_TO_DATE, **(status or {})},
    }
    objects.add(f"{APPS}/daemonsets", agents)
    return objects


def _roll(cluster: Client) -> int:
    found = roll_agents(
        cluster, namespace=SPACE, settings={"tunnel-protocol": "vxlan"}, digest="new", timeout_seconds=0.1,
        progress=Progress("agents", 1),
    )  # fmt: skip
    return int(found["agents"])


@pytest.mark.parametrize(("has", "patches"), [("new", 0), ("old", 1), ("", 1)])
def test_agents_are_started_anew_unless_they_have_the_settings(has: str, patches: int) -> None:
    cluster = Client(_installed(has=has))
    assert _roll(cluster) == 3
    assert len(cluster.requests) == patches


def test_settings_that_somebody_else_writes_are_told_before_any_agent_starts_anew() -> None:
    cluster = Client(_installed(live="geneve"))
    with pytest.raises(OperationError, match="tunnel-protocol is 'geneve', must be 'vxlan'; something else writes it"):
        _roll(cluster)
    assert cluster.requests == []


@pytest.mark.parametrize(
    "status", [{"updatedNumberScheduled": 2}, {"numberAvailable": 2}, {"observedGeneration": 0}], ids=str
)
def test_agents_of_the_former_settings_are_no_rollout(status: dict[str, int]) -> None:
    with pytest.raises(OperationError, match="of 3 agents Ready with the present settings"):
        _roll(Client(_installed(status=status)))


@pytest.mark.parametrize(
    ("flags", "code", "said"),
    [("0x1003", 0, ""), ("0x1002", 0, "cilium_vxlan is down"), ("no such file", 1, "cilium_vxlan does not exist")],
)
def test_a_tunnel_that_carries_nothing_is_told(flags: str, code: int, said: str) -> None:
    objects = Objects()
    objects.add("/api/v1/nodes", {"metadata": {"name": "worker-1"}})
    labels = {"name": "cilium-1", "labels": {"k8s-app": "cilium"}}
    objects.add(f"/api/v1/namespaces/{SPACE}/pods", {"metadata": labels, "spec": {"nodeName": "worker-1"}})
    cluster = Client(objects, run=lambda _pod, _command: CommandResult(exit_code=code, output=f"{flags}\n"))

    def look() -> None:
        assert_tunnels(cluster, namespace=SPACE, protocol="vxlan", progress=Progress("agents", 1))

    if not said:
        look()
        return
    with pytest.raises(OperationError, match=f"node worker-1: {said}"):
        look()


def test_a_workload_must_be_well_for_a_while() -> None:
    cluster = Client(_installed())

    def wait(*, steady: float) -> None:
        names = [f"DaemonSet {SPACE}/cilium"]
        wait_for_watched(cluster, "worker-1", names, timeout_seconds=0.2, steady_seconds=steady)

    wait(steady=0.05)
    with pytest.raises(OperationError, match="ready for less than 30 s"):
        wait(steady=30)


def test_an_agent_on_a_virtual_node_is_not_waited_for() -> None:
    """It never starts; one that does not start on a machine is waited for all the same."""
    objects = _installed(has="new", status={"numberAvailable": 2})
    labels = {"type": "virtual-kubelet"}
    for name, marks in (("worker-1", {}), ("worker-2", {}), ("fargate-1", labels)):
        objects.add("/api/v1/nodes", {"metadata": {"name": name, "labels": marks}})
        ready = {"type": "Ready", "status": "True" if not marks else "False"}
        pod = {
            "metadata": {"name": f"cilium-{name}", "namespace": SPACE, "uid": name, "creationTimestamp": "",
                         "labels": {"k8s-app": "cilium"}},
            "spec": {"nodeName": name}, "status": {"conditions": [ready]},
        }  # fmt: skip
        objects.add(f"/api/v1/namespaces/{SPACE}/pods", pod)
    assert _roll(Client(objects)) == 2
    objects.by_path["/api/v1/nodes/fargate-1"]["metadata"]["labels"] = {}
    with pytest.raises(OperationError, match="every agent Ready"):
        _roll(Client(objects))

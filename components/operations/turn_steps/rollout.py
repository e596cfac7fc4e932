"""Restarts all Cilium agents with new settings, and waits until they are Ready and their tunnels work."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from components.names import PREFIX
from components.operations.cluster_api.api import Cluster
from components.operations.deadline import Deadline, OperationError, Pending, wait_until
from components.operations.objects.live_config import read_live_config, serves_node_config
from components.operations.objects.model import Node
from components.operations.progress import Progress
from components.operations.turn_steps import agent as agents
from components.plurals import many
from stacks.values import settings_faults

RESTARTED = f"{PREFIX}/settings"
_AT_ONCE = 20
_NAMED = 5


def _daemon_set_path(namespace: str) -> str:
    return f"/apis/apps/v1/namespaces/{namespace}/daemonsets/cilium"


def wait_for_agents(cluster: Cluster, *, namespace: str, timeout_seconds: float, progress: Progress) -> int:
    """Wait until the agent's DaemonSet has its present version Ready on every node; returns their number."""
    said = ""

    def ready() -> int | Pending:
        nonlocal said
        item = cluster.get(_daemon_set_path(namespace))
        status = item.get("status") or {}
        wanted = int(status.get("desiredNumberScheduled") or 0)
        current = int(status.get("observedGeneration") or 0) >= int(item["metadata"]["generation"])
        updated = int(status.get("updatedNumberScheduled") or 0)
        available = int(status.get("numberAvailable") or 0)
        if current and wanted and updated == wanted:
            idle = _on_virtual_nodes(cluster, namespace=namespace) if available < wanted else 0
            if available + idle >= wanted:
                return available
        waiting = [each.why_not for each in agents.agents(cluster, namespace=namespace) if not each.ready]
        done = min(updated, available) if current else 0
        text = f"{done} of {many(wanted, 'agent')} Ready with the present settings"
        if text != said:
            progress.say(text)
            said = text
        return Pending(f"{text}; {'; '.join(waiting[:_NAMED])}")

    return wait_until(
        ready,
        what=f"DaemonSet {namespace}/cilium: every agent Ready",
        deadline=Deadline(timeout_seconds),
        remedy=f"`kubectl -n {namespace} get pods -l {agents.AGENT_SELECTOR} -o wide` shows them; `pulumi up` again",
    )


def _on_virtual_nodes(cluster: Cluster, *, namespace: str) -> int:
    """The number of agents that wait for ever on nodes that are no machines."""
    virtual = {node.name for node in map(Node.read, cluster.list("/api/v1/nodes")) if node.is_virtual}
    return sum(each.node in virtual and not each.ready for each in agents.agents(cluster, namespace=namespace))


def assert_settings(cluster: Cluster, *, namespace: str, wanted: Mapping[str, str]) -> None:
    """The live ConfigMap says what it must; raises OperationError otherwise."""
    live = read_live_config(cluster, namespace=namespace) or {}
    faults = settings_faults(live, wanted)
    if faults:
        raise OperationError(
            f"ConfigMap {namespace}/cilium-config: {'; '.join(faults)}; something else writes it: see who with "
            f"`kubectl -n {namespace} get configmap cilium-config --show-managed-fields -o yaml`"
        )


def assert_tunnels(cluster: Cluster, *, namespace: str, protocol: str, progress: Progress) -> None:
    """Every agent's tunnel device is up: a tunnel whose port was taken leaves the pods Ready."""
    found = agents.agents_everywhere(cluster, namespace=namespace)
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        faults = [
            fault
            for fault in pool.map(lambda each: agents.tunnel_fault(cluster, each, protocol=protocol), found)
            if fault
        ]
    if faults:
        raise OperationError(
            "\n  ".join(faults[:_NAMED])
            + f"\n  so on {len(faults)} of {len(found)} nodes; is cilium.tunnelPort in use there? "
            f"`kubectl -n {namespace} logs -l {agents.AGENT_SELECTOR} -c {agents.AGENT_CONTAINER} --tail=-1 --prefix | "
            "grep -i 'address already in use'`"
        )
    progress.say(f"cilium_{protocol} is up on {many(len(found), 'node')}")


def wait_for_node_config_kind(cluster: Cluster, *, api_version: str, timeout_seconds: float) -> None:
    """The operator registers CiliumNodeConfig while it runs: wait until the API serves it (cilium#40110)."""

    def served() -> Pending | None:
        return None if serves_node_config(cluster, api_version) else Pending(f"{api_version} serves no such kind")

    wait_until(
        served,
        what=f"{api_version} CiliumNodeConfig served",
        deadline=Deadline(timeout_seconds),
        remedy="does the Cilium operator run? `kubectl get pods -A -l io.cilium/app=operator`",
    )


def roll_agents(
    cluster: Cluster, *, namespace: str, settings: Mapping[str, str], digest: str, timeout_seconds: float,
    progress: Progress,
) -> dict[str, Any]:  # fmt: skip
    """Start every agent anew unless it has the settings already, a few at a time as the DaemonSet allows."""
    assert_settings(cluster, namespace=namespace, wanted=settings)
    path = _daemon_set_path(namespace)
    template = cluster.get(path)["spec"]["template"]["metadata"].get("annotations") or {}
    if template.get(RESTARTED) != digest:
        progress.say("starting every agent anew, a few at a time")
        cluster.patch(path, {"spec": {"template": {"metadata": {"annotations": {RESTARTED: digest}}}}})
    count = wait_for_agents(cluster, namespace=namespace, timeout_seconds=timeout_seconds, progress=progress)
    return {"agents": count}

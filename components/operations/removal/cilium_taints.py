"""Removal of Cilium's taint for nodes without an agent, after Cilium and its operator are gone."""

from typing import Any

from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError
from components.operations.deadline import Deadline, OperationError, Pending, wait_until
from components.operations.objects.live_config import read_live_config
from components.operations.turn_annotations import node_path

KEY = "node.cilium.io/agent-not-ready"  # the chart's default
_OPERATOR = "io.cilium/app=operator"
_SECONDS = 60.0
_CHANGED = 409


def remove_left_taints(cluster: Cluster, *, namespace: str, key: str = KEY, seconds: float = _SECONDS) -> list[str]:
    """Remove the taint from every node that has it, once Cilium and its operator are gone; returns the nodes' names.

    Does nothing while Cilium is installed and manages the taint. Raises OperationError if the operator stays, or if
    the taint can't be removed, with the command to do so.
    """
    if read_live_config(cluster, namespace=namespace) is not None:
        return []
    if not (nodes := _tainted(cluster, key)):
        return []

    def gone() -> bool | Pending:
        pods = cluster.list(f"/api/v1/namespaces/{namespace}/pods", labelSelector=_OPERATOR)
        return Pending(f"pod {pods[0]['metadata']['name']} is there") if pods else True

    command = f"`kubectl taint nodes {' '.join(nodes)} {key}-`"
    wait_until(
        gone, what=f"the end of Cilium's operator in {namespace}", deadline=Deadline(seconds), every_seconds=0.5,
        remedy=f"delete it, then {command}: no pod is scheduled to a node with that taint",
    )  # fmt: skip
    for name in nodes:
        _take_off(cluster, name, key=key, command=command)
    return nodes


def _tainted(cluster: Cluster, key: str) -> list[str]:
    return [item["metadata"]["name"] for item in cluster.list("/api/v1/nodes") if _has(item, key)]


def _has(node: dict[str, Any], key: str) -> bool:
    return any(each.get("key") == key for each in node["spec"].get("taints") or [])


def _take_off(cluster: Cluster, name: str, *, key: str, command: str) -> None:
    """Remove the taint; the list is written as a whole, so only if it has not changed since it was read."""
    try:
        while (node := cluster.find(node_path(name))) and _has(node, key):
            kept = [each for each in node["spec"]["taints"] if each.get("key") != key]
            version = {"resourceVersion": node["metadata"]["resourceVersion"]}
            try:
                cluster.patch(node_path(name), {"metadata": version, "spec": {"taints": kept or None}})
            except ClusterError as error:
                if error.status != _CHANGED:
                    raise
    except ClusterError as error:
        raise OperationError(
            f"node {name} keeps the taint {key} of a Cilium that is gone ({error}): {command}"
        ) from error

"""Removal of kube-proxy's leftovers on nodes, whose rules would still catch packets to Services."""

from collections.abc import Sequence

from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import Object
from components.operations.removal.source_removal import sweep_nodes, wait_for_pods_to_go
from components.operations.removal.sweep import KUBE_PROXY
from components.pods import OurPods
from stacks.notation.objects import ObjectName

_PROGRAM = "kube-proxy"


def runs_kube_proxy(cluster: Cluster, name: ObjectName) -> bool:
    """True if the object is an existing DaemonSet that runs kube-proxy."""
    item = cluster.find(name.path) if name.kind == "DaemonSet" else None
    return item is not None and _has_program(item["spec"]["template"]["spec"])


def _has_program(spec: Object) -> bool:
    words = (word for each in spec["containers"] for word in (each.get("image", ""), *(each.get("command") or [])))
    return any(_PROGRAM in word for word in words)


def sweep_kube_proxy(
    cluster: Cluster, names: Sequence[ObjectName], *, cilium_namespace: str, pods: OurPods, timeout_seconds: float
) -> int:
    """Wait for the pods of the DaemonSets to go, sweep every node, and return the number of nodes.

    No node is swept while another kube-proxy runs: its rules are in use.
    """
    for each in names:
        wait_for_pods_to_go(cluster, namespace=each.namespace, daemon_set=each.name, timeout_seconds=timeout_seconds)
    if any(_has_program(each["spec"]) for each in cluster.list("/api/v1/pods")):
        return 0
    return sweep_nodes(cluster, KUBE_PROXY, cilium_namespace=cilium_namespace, pods=pods)

"""Pods of a node that were not Ready before its turn: nobody waits for them in it.

A device plugin without its device crash-loops for months; a turn that waited for it would leave its node cordoned.
"""

import json
from collections.abc import Iterable

from components.operations.api import Cluster
from components.operations.drain import pods_on
from components.operations.marks import NOT_READY_BEFORE, node_path, read_node
from components.operations.model import Pod


def title_of(pod: Pod) -> str:
    """By what a pod is known again once it was re-created: `DaemonSet kube-system/gpu-plugin`."""
    kind, _, name = pod.workload.partition(" ")
    return f"{kind} {pod.namespace}/{name}"


def not_ready(pods: Iterable[Pod]) -> set[str]:
    """The workloads with a pod among these that is on the pod network and neither Ready nor at its end."""
    return {
        title_of(pod)
        for pod in pods
        if pod.on_pod_network and not pod.ready and not pod.finished and not pod.terminating_since
    }


def remember_not_ready(cluster: Cluster, node: str) -> None:
    """Write down, once in a turn, whose pods on the node are not Ready; a later run of the same turn reads it."""
    if NOT_READY_BEFORE not in read_node(cluster, node).annotations:
        found = json.dumps(sorted(not_ready(pods_on(cluster, node))))
        cluster.patch(node_path(node), {"metadata": {"annotations": {NOT_READY_BEFORE: found}}})


def not_ready_before(cluster: Cluster, node: str) -> frozenset[str]:
    """The workloads written down when the turn began; nothing if that was not (an older version began it)."""
    try:
        return frozenset(map(str, json.loads(read_node(cluster, node).annotations.get(NOT_READY_BEFORE) or "[]")))
    except (ValueError, TypeError):
        return frozenset()

"""Pods of a node that were not Ready before its turn: nobody waits for them in it.

A device plugin without its device crash-loops for months; a turn that waited for it would leave its node cordoned.
"""

import json
from collections.abc import Callable, Iterable

from pydantic import TypeAdapter, ValidationError

from components.operations.cluster_api.api import Cluster
from components.operations.draining.drain import pods_on
from components.operations.objects.model import Pod
from components.operations.turn_annotations import BOOT_ID, NOT_READY_BEFORE, RESTARTED, node_path, read_node
from components.operations.turn_steps.verification import is_fresh_pod

_NOTE = TypeAdapter(frozenset[str])


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
    """Write down, once in a turn and before it does anything, whose pods on the node are not Ready."""
    if not_ready_before(cluster, node) is None:
        _write(cluster, node, pods_on(cluster, node))


def remember_unless_renewed(cluster: Cluster, node: str, *, stale: Callable[[Pod], bool]) -> None:
    """The same in the middle of a turn, while each pod of the node is still the one that was there before it."""
    annotations = read_node(cluster, node).annotations
    if not_ready_before(cluster, node) is not None or {BOOT_ID, RESTARTED} & annotations.keys():
        return
    pods = pods_on(cluster, node)
    known = [pod for pod in pods if pod.on_pod_network and pod.address and not is_fresh_pod(pod)]
    if known and all(map(stale, known)):
        _write(cluster, node, pods)


def _write(cluster: Cluster, node: str, pods: Iterable[Pod]) -> None:
    found = json.dumps(sorted(not_ready(pods)))
    cluster.patch(node_path(node), {"metadata": {"annotations": {NOT_READY_BEFORE: found}}})


def not_ready_before(cluster: Cluster, node: str) -> frozenset[str] | None:
    """The workloads written down when the turn began; None where no note is there that can be read."""
    try:
        return _NOTE.validate_json(read_node(cluster, node).annotations.get(NOT_READY_BEFORE, ""))
    except ValidationError:
        return None


def way_out(node: str, workloads: Iterable[str]) -> str:
    """The command that excuses workloads of which nothing says any more whether they were Ready before the turn."""
    return f"`kubectl annotate node {node} --overwrite '{NOT_READY_BEFORE}={json.dumps(sorted(workloads))}'`"

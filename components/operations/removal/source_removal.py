"""Removes an old CNI for good: its API objects, then its leftovers on each node; a second run changes nothing."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from components.operations.cluster_api.api import Cluster
from components.operations.deadline import Deadline, OperationError, Pending, wait_until
from components.operations.our_pods.node_shell import run_on_node
from components.operations.progress import Progress
from components.operations.removal.source_objects import Removed
from components.operations.removal.sweep import Sweep, sweep_node
from components.operations.turn_steps import agent as agents
from components.plurals import many
from components.pods import OurPods

_AT_ONCE = 20
_NAMED = 5


def remove_source(
    cluster: Cluster, *, title: str, daemon_sets: Sequence[tuple[str, str]], objects: Callable[[], Removed],
    sweep: Sweep, cilium_namespace: str, pods: OurPods, timeout_seconds: float,
) -> dict[str, Any]:  # fmt: skip
    """Delete the objects, wait for the pods to go, and sweep every node.

    Raises OperationError with one line for each node on which something could not be removed.
    """
    progress = Progress(title, 3)
    progress.step("objects")
    found = objects()
    progress.say(f"{len(found.removed)} removed: {', '.join(found.removed)}")
    for each in found.kept:
        progress.say(f"kept: {each}")
    progress.step("pods")
    for namespace, name in daemon_sets:
        wait_for_pods_to_go(cluster, namespace=namespace, daemon_set=name, timeout_seconds=timeout_seconds)
    namespaces = [each.removeprefix("Namespace ") for each in found.removed if each.startswith("Namespace ")]
    for namespace in namespaces:
        _wait_for_end(cluster, namespace, timeout_seconds=timeout_seconds)
    progress.step("nodes")
    nodes = sweep_nodes(cluster, sweep, cilium_namespace=cilium_namespace, pods=pods)
    seconds = progress.done(f"gone from {many(nodes, 'node')}")
    return {"removed": list(found.removed), "kept": list(found.kept), "nodes": nodes, "seconds": seconds}


def sweep_nodes(cluster: Cluster, sweep: Sweep, *, cilium_namespace: str, pods: OurPods) -> int:
    """Sweep every node with an agent, and return their number; raises OperationError with one line a failed node."""
    nodes = agents.agents_everywhere(cluster, namespace=cilium_namespace)
    on_node = partial(run_on_node, cluster, pods=pods)
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        found = pool.map(lambda each: sweep_node(cluster, each, sweep, on_node=on_node), nodes)
        faults = [fault for fault in found if fault]
    if faults:
        raise OperationError("\n  ".join(faults))
    return len(nodes)


def wait_for_pods_to_go(cluster: Cluster, *, namespace: str, daemon_set: str, timeout_seconds: float) -> None:
    """Wait until no pod of a removed DaemonSet is left."""

    def gone() -> Pending | None:
        left = [
            item["metadata"]["name"]
            for item in cluster.list(f"/api/v1/namespaces/{namespace}/pods")
            if any(owner["name"] == daemon_set for owner in item["metadata"].get("ownerReferences") or [])
        ]
        return Pending(f"{len(left)} left: {', '.join(left[:_NAMED])}") if left else None

    wait_until(
        gone,
        what=f"DaemonSet {namespace}/{daemon_set}: its pods gone",
        deadline=Deadline(timeout_seconds),
        remedy=f"does a controller re-create it (Argo CD, Flux, an addon manager)? `kubectl -n {namespace} get pods`",
    )


def _wait_for_end(cluster: Cluster, namespace: str, *, timeout_seconds: float) -> None:
    def ended() -> Pending | None:
        item = cluster.find(f"/api/v1/namespaces/{namespace}")
        if item is None:
            return None
        reasons = [each.get("message", "") for each in (item.get("status") or {}).get("conditions") or []]
        return Pending(f"still terminating: {'; '.join(filter(None, reasons))[:300]}")

    wait_until(
        ended,
        what=f"Namespace {namespace}: gone",
        deadline=Deadline(timeout_seconds),
        remedy="what is left in it? `kubectl api-resources --verbs=list --namespaced -o name | paste -sd, - | "
        f"xargs kubectl -n {namespace} get --show-kind --ignore-not-found`",
    )

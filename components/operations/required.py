"""Workloads that the user wants to be there and ready before anything is changed."""

from collections.abc import Iterable

from components.operations.api import Cluster
from components.operations.selectors import Object


def _counts(item: Object) -> tuple[int, int]:
    """(pods that are ready, pods that there should be)."""
    spec, status = item.get("spec") or {}, item.get("status") or {}
    if item["kind"] == "DaemonSet":
        return int(status.get("numberReady") or 0), int(status.get("desiredNumberScheduled") or 0)
    return int(status.get("readyReplicas") or 0), int(spec.get("replicas", 1))


def not_ready(cluster: Cluster, names: Iterable[str]) -> dict[str, str]:
    """What is wrong with those of `KIND NAMESPACE/NAME` that are not there or not ready."""
    troubles = {}
    for title in names:
        kind, _, place = title.partition(" ")
        namespace, _, name = place.partition("/")
        item = cluster.find(f"/apis/apps/v1/namespaces/{namespace}/{kind.lower()}s/{name}")
        if item is None:
            troubles[title] = "does not exist"
            continue
        ready, wanted = _counts({"kind": kind, **item})
        if ready < wanted:
            troubles[title] = f"has {ready} of {wanted} pods ready"
    return troubles

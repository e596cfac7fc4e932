"""Workloads that must be ready before any change, and after each node's turn."""

import time
from collections.abc import Iterable, Sequence

from components.operations.cluster_api.api import Cluster
from components.operations.deadline import Deadline, Pending, wait_until
from components.operations.selectors import Object

STEADY_SECONDS = 5.0
_NOT_THERE = "does not exist"


def _counts(item: Object) -> tuple[int, int]:
    """(pods that are ready, pods that there should be)."""
    spec, status = item.get("spec") or {}, item.get("status") or {}
    if item["kind"] == "DaemonSet":
        return int(status.get("numberReady") or 0), int(status.get("desiredNumberScheduled") or 0)
    return int(status.get("readyReplicas") or 0), int(spec.get("replicas", 1))


def not_ready(cluster: Cluster, names: Iterable[str]) -> dict[str, str]:
    """The faults of those workloads (`KIND NAMESPACE/NAME`) that are missing or not ready, by name."""
    troubles = {}
    for title in names:
        kind, _, place = title.partition(" ")
        namespace, _, name = place.partition("/")
        item = cluster.find(f"/apis/apps/v1/namespaces/{namespace}/{kind.lower()}s/{name}")
        if item is None:
            troubles[title] = _NOT_THERE
            continue
        ready, wanted = _counts({"kind": kind, **item})
        if ready < wanted:
            troubles[title] = f"has {ready} of {wanted} pods ready"
        elif int((item.get("status") or {}).get("observedGeneration") or 0) < int(item["metadata"]["generation"]):
            troubles[title] = "was changed, and its controller has not counted its pods since"
    return troubles


def wait_for_watched(
    cluster: Cluster, node: str, names: Sequence[str], *, timeout_seconds: float, steady_seconds: float = STEADY_SECONDS
) -> None:
    """Return once all of `names` have been ready for a while; called at the end of a node's turn.

    One look is not enough: a pod that crashes again and again is Ready in between. Raises OperationError.
    """
    well_since: float | None = None

    def steady() -> Pending | None:
        nonlocal well_since
        troubles = not_ready(cluster, names)
        if troubles:
            well_since = None
            return Pending(
                "; ".join(f"{title} {trouble}{_look(title, trouble)}" for title, trouble in troubles.items())
            )
        well_since = time.monotonic() if well_since is None else well_since
        left = steady_seconds - (time.monotonic() - well_since)
        return Pending(f"ready for less than {steady_seconds:.0f} s") if left > 0 else None

    wait_until(
        steady,
        what=f"node {node}: what preflight.watched names is ready after its turn",
        deadline=Deadline(timeout_seconds),
        remedy="The node is on its new network and takes pods; once they are well `pulumi up` goes on, and out of "
        "`waves` the node goes back",
    )


def _look(title: str, trouble: str) -> str:
    if trouble == _NOT_THERE:
        return ""
    kind, _, place = title.partition(" ")
    namespace, _, name = place.partition("/")
    return f", `kubectl -n {namespace} describe {kind.lower()} {name}` says why"

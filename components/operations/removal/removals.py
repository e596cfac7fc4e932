"""Objects in `cleanup.remove`: checked before, removed once, and never those of Cilium or of this program."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.names import NAMESPACES
from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError
from components.operations.deadline import Deadline, OperationError, Pending, wait_until
from components.operations.progress import Progress
from stacks.notation.objects import ObjectName

_KEPT_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
_CILIUM_NAMES = ("cilium", "hubble")
_CILIUM_GROUP = ".cilium.io"
_PART_OF, _RELEASE = "app.kubernetes.io/part-of", "meta.helm.sh/release-name"


@dataclass(frozen=True, kw_only=True)
class Removal:
    """One such object; `kept_for` is its owner if it must stay, `within` the contents that go with it."""

    title: str
    there: bool
    kept_for: str = ""
    within: str = ""


def kept_for(name: ObjectName, item: Mapping[str, Any], *, cilium_namespace: str) -> str:
    """The owner for whom the object must stay; empty if it may go. Names decide where labels are missing."""
    metadata = item.get("metadata") or {}
    marks = {**(metadata.get("labels") or {}), **(metadata.get("annotations") or {})}
    if (name.name if name.kind == "Namespace" else name.namespace) in NAMESPACES:
        return "this program's own"
    if name.kind == "Namespace" and name.name in (*_KEPT_NAMESPACES, cilium_namespace):
        return "Kubernetes' own" if name.name in _KEPT_NAMESPACES else "Cilium's"
    if name.kind == "CustomResourceDefinition" and name.name.endswith(_CILIUM_GROUP):
        return "Cilium's"
    if marks.get(_PART_OF) == "cilium" or marks.get(_RELEASE) == "cilium":
        return "Cilium's"
    named_so = name.name.startswith(_CILIUM_NAMES) and name.namespace in ("", cilium_namespace)
    return "Cilium's" if named_so else ""


def look_at(cluster: Cluster, name: ObjectName, *, cilium_namespace: str) -> Removal:
    """The removal of an object in its current state. Raises ClusterError."""
    item = cluster.find(name.path)
    return Removal(
        title=name.title,
        there=item is not None,
        kept_for=kept_for(name, item or {}, cilium_namespace=cilium_namespace),
        within=_within(cluster, name, item) if item else "",
    )


def _within(cluster: Cluster, name: ObjectName, item: Mapping[str, Any]) -> str:
    """The contents that the API server removes along with it."""
    if name.kind == "Namespace":
        count = _count(cluster, f"/api/v1/namespaces/{name.name}/pods")
        return f"everything in it, {count} pods included" if count else "everything in it"
    if name.kind == "CustomResourceDefinition":
        spec = item["spec"]
        version = next((each["name"] for each in spec["versions"] if each.get("served")), "")
        count = _count(cluster, f"/apis/{spec['group']}/{version}/{spec['names']['plural']}")
        return f"its {count} objects" if count else ""
    return ""


def _count(cluster: Cluster, path: str) -> int:
    try:
        page = cluster.find(path, limit=1) or {}
    except ClusterError as error:
        if error.status == 403:  # only informative
            return 0
        raise
    return len(page.get("items") or []) + int((page.get("metadata") or {}).get("remainingItemCount") or 0)


def remove(
    cluster: Cluster, names: Sequence[ObjectName], *, cilium_namespace: str, timeout_seconds: float
) -> list[str]:
    """Delete the objects, in the order given, wait until they are gone, and return those that existed.

    Raises OperationError before the first deletion if one of them is Cilium's or ours, and when one stays.
    """
    progress = Progress("cleanup.remove", 1)
    progress.step("objects")
    found = [look_at(cluster, each, cilium_namespace=cilium_namespace) for each in names]
    kept = [
        f"{each.title} is {each.kept_for} and stays: take it out of cleanup.remove" for each in found if each.kept_for
    ]
    if kept:
        raise OperationError("\n  ".join(kept))
    removed = [each for each in names if cluster.delete(each.path)]
    deadline = Deadline(timeout_seconds)
    for each in removed:
        _wait_until_gone(cluster, each, deadline)
    progress.done(f"{len(removed)} removed: {', '.join(each.title for each in removed) or 'none was there'}")
    return [each.title for each in removed]


def _wait_until_gone(cluster: Cluster, name: ObjectName, deadline: Deadline) -> None:
    def gone() -> Pending | None:
        item = cluster.find(name.path)
        if item is None:
            return None
        if "deletionTimestamp" not in item["metadata"]:
            return Pending("somebody has made it again")
        holders = item["metadata"].get("finalizers") or (item.get("spec") or {}).get("finalizers") or []
        return Pending(f"it waits for {', '.join(holders) or 'what belongs to it'}")

    wait_until(
        gone,
        what=f"{name.title}: removed",
        deadline=deadline,
        remedy=f"{name.kubectl('get -o yaml')} says what holds it; then `pulumi up` again",
    )

"""Helm's record of a release: which revision is the newest, and whether the operation that made it came to its end."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from components.operations.api import Cluster, Object

_NUMBER = re.compile(r"\.v(\d+)$")


@dataclass(frozen=True, kw_only=True)
class ReleaseRecord:
    """One revision of a release as Helm's storage has it; `status` is Helm's own word, empty where it has none.

    `kind` and `object_name` are the object that holds it, `changed` when Helm last wrote it.
    """

    name: str
    namespace: str
    revision: int
    status: str
    kind: str
    object_name: str
    changed: datetime | None = None

    @property
    def title(self) -> str:
        """The release as Helm and Pulumi name it."""
        return f"{self.namespace}/{self.name}"

    @property
    def pending(self) -> bool:
        """True if an operation began, and nobody wrote down its end."""
        return self.status.startswith("pending")


def newest_revision(cluster: Cluster, *, name: str, namespace: str) -> ReleaseRecord | None:
    """The newest revision of a release, or None without one; its values and manifest are not read.

    Helm keeps revisions in Secrets, or with HELM_DRIVER=configmap in ConfigMaps. Raises ClusterError.
    """

    def read(item: Object, kind: str) -> ReleaseRecord:
        metadata = item["metadata"]
        labels, number = metadata.get("labels") or {}, _NUMBER.search(metadata["name"])
        return ReleaseRecord(
            name=name,
            namespace=namespace,
            # In its name it is sure to be: the label of a revision that somebody edited need not be a number.
            revision=int(number[1]) if number else 0,
            status=str(labels.get("status") or ""),
            kind=kind,
            object_name=metadata["name"],
            changed=_moment(labels.get("modifiedAt") or labels.get("createdAt"), metadata.get("creationTimestamp")),
        )

    for kind in ("Secret", "ConfigMap"):
        found = cluster.read_all(
            f"/api/v1/namespaces/{namespace}/{kind.lower()}s",
            lambda item, kind=kind: read(item, kind),  # type: ignore[misc]
            metadata_only=True,
            labelSelector=f"owner=helm,name={name}",
        )
        if found:
            return max(found, key=lambda each: each.revision)
    return None


def _moment(seconds: str | None, created: str | None) -> datetime | None:
    """Helm's own label, in seconds, or when the object was made."""
    try:
        return datetime.fromtimestamp(int(seconds or ""), UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromisoformat(created) if created else None

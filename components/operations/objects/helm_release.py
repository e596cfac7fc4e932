"""Helm's record of a release: the newest revision, and whether the operation that made it was completed."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import Object

_NUMBER = re.compile(r"\.v(\d+)$")


@dataclass(frozen=True, kw_only=True)
class ReleaseRecord:
    """One revision of a release in Helm's storage; `status` is Helm's own term, empty if it has none.

    `kind` and `object_name` are the object that holds it, `changed` is the time of Helm's last write.
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
        """The release as NAMESPACE/NAME, which Pulumi uses too."""
        return f"{self.namespace}/{self.name}"

    @property
    def pending(self) -> bool:
        """True if an operation began, and its end was not recorded."""
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
            # The name always has the number; an edited label may not.
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
    """The time in Helm's own label, in seconds, or else the object's creation."""
    try:
        return datetime.fromtimestamp(int(seconds or ""), UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromisoformat(created) if created else None

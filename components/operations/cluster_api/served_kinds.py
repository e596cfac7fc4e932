"""Kinds that an API server serves, from its discovery."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError, Object

_AT_ONCE = 16


@dataclass(frozen=True, kw_only=True)
class ServedKind:
    """One kind in the first version that its group names; `down` if its server does not answer now."""

    kind: str
    group: str
    version: str
    resource: str
    down: bool = False

    @property
    def path(self) -> str:
        """The API path of all its objects."""
        return f"/apis/{self.group}/{self.version}/{self.resource}"


def discover(cluster: Cluster) -> tuple[list[ServedKind], list[str]]:
    """Every kind once, and the groups whose kinds the API server does not know now. Raises ClusterError."""
    found: dict[tuple[str, str], ServedKind] = {}
    silent: dict[str, None] = {}
    for each in _versions(cluster):
        if each.down and not each.kinds:
            silent[each.group] = None
        for kind, resource in each.kinds:
            served = ServedKind(
                kind=kind, group=each.group, version=each.version, resource=resource, down=each.down
            )  # fmt: skip
            before = found.setdefault((each.group, kind), served)
            if before.down:
                found[each.group, kind] = served
    return list(found.values()), list(silent)


@dataclass(frozen=True, kw_only=True)
class _Version:
    """A version of a group with its kinds and their resources; `down` if its own server does not answer."""

    group: str
    version: str
    kinds: Sequence[tuple[str, str]]
    down: bool


def _versions(cluster: Cluster) -> Iterator[_Version]:
    """All served versions; for one whose server is down, the kinds that the API server still has cached.

    A server from before Kubernetes 1.27 is asked for each version.
    """
    answer = cluster.discover()
    for item in answer.get("items") or []:
        for version in item.get("versions") or []:
            down = version.get("freshness", "Current") != "Current"
            kinds = [
                (each["responseKind"]["kind"], each["resource"])
                for each in version.get("resources") or []
                if (each.get("responseKind") or {}).get("kind") and _has_objects(each)
            ]
            yield _Version(
                group=item["metadata"].get("name", ""), version=version["version"], kinds=kinds, down=down
            )  # fmt: skip
    asked = [(group["name"], each["version"]) for group in answer.get("groups") or [] for each in group["versions"]]
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        kinds_of = pool.map(lambda place: _kinds(cluster, *place), asked)
        for (group, name), known in zip(asked, kinds_of, strict=True):
            yield _Version(group=group, version=name, kinds=known or (), down=known is None)


def _kinds(cluster: Cluster, group: str, version: str) -> list[tuple[str, str]] | None:
    try:
        found = cluster.find(f"/apis/{group}/{version}") or {}
    except ClusterError:
        return None
    kinds = [each for each in found.get("resources") or [] if "/" not in each["name"] and _has_objects(each)]
    return [(each["kind"], each["name"]) for each in kinds]


def _has_objects(resource: Object) -> bool:
    """True if objects of the kind are stored; False for requests in the form of objects, such as access reviews."""
    verbs = resource.get("verbs")
    return verbs is None or "list" in verbs

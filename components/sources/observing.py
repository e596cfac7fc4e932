"""Reads the cluster, with the kinds of objects and the rights of every known CNI."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from components.operations import observing
from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import Object
from components.operations.focus import ALL_ALIKE, Focus
from components.operations.rights.permission_table import Row
from components.operations.rights.source_rights import NO_RIGHTS, SourceRights
from components.operations.snapshot import Snapshot
from components.operations.source_registry import Kind, OwnObjects
from components.sources import SOURCES, SourceDescription, fooled


def observe(cluster: Cluster, *, cilium_namespace: str, focus: Focus = ALL_ALIKE) -> Snapshot:
    """Read everything that the checks and the plan need; changes nothing. Raises ClusterError."""
    return observing.observe(cluster, cilium_namespace=cilium_namespace, sources=Registry(), focus=focus)


class Registry:
    """The CNIs of the registry, as reading depends on them; what several of them share is read once."""

    def kinds(self, cluster: Cluster, daemon_sets: Sequence[Object]) -> list[Kind]:
        """The kinds of all of them that the API serves."""
        return [kind for own in _readers() for kind in own.kinds(cluster, daemon_sets)]

    def objects(self, cluster: Cluster, daemon_sets: Sequence[Object]) -> Mapping[str, tuple[Object, ...]]:
        """The objects of these kinds."""
        return {kind: items for own in _readers() for kind, items in own.read(cluster, daemon_sets).items()}

    def policies(self) -> tuple[Row, ...]:
        """The rights for policies beside the old engine's own, whichever that is."""
        return tuple(dict.fromkeys(row for source in SOURCES.values() for row in source.rights.policies))

    def rights(self, record: Mapping[str, Any]) -> SourceRights:
        """The rights for the CNI that phase `preflight` wrote down."""
        source = SOURCES.get(record.get("kind", ""))
        return source.rights if source else NO_RIGHTS

    def prepares(self, record: Mapping[str, Any]) -> bool:
        """True if that one has to be prepared before Cilium's interfaces appear."""
        return record.get("kind") in SOURCES and bool(fooled(SourceDescription.model_validate(record)))


def _readers() -> Iterator[OwnObjects]:
    yield from dict.fromkeys(source.own for source in SOURCES.values() if source.own)

"""The part of the registry of old CNIs that reading a cluster depends on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import Object
from components.operations.rights.permission_table import Row
from components.operations.rights.source_rights import SourceRights

Kind = tuple[str, str, str]  # kind, group, resource


@dataclass(frozen=True, kw_only=True)
class OwnObjects:
    """Readers of the objects of an old CNI's own kinds, which several CNIs may share.

    Both are given the cluster's DaemonSets: `kinds` are those that the API serves, `read` has their objects by kind.
    """

    kinds: Callable[[Cluster, Sequence[Object]], Sequence[Kind]]
    read: Callable[[Cluster, Sequence[Object]], Mapping[str, tuple[Object, ...]]]


class KnownSources(Protocol):
    """The registry of old CNIs, for those who read a cluster before it is known which of them it has."""

    def kinds(self, cluster: Cluster, daemon_sets: Sequence[Object]) -> Sequence[Kind]:
        """The kinds of all of them that the API serves."""

    def objects(self, cluster: Cluster, daemon_sets: Sequence[Object]) -> Mapping[str, tuple[Object, ...]]:
        """The objects of these kinds."""

    def policies(self) -> tuple[Row, ...]:
        """The rights for policies beside the old engine's own, whichever that is."""

    def rights(self, record: Mapping[str, Any]) -> SourceRights:
        """The rights for the CNI that phase `preflight` wrote down."""

    def prepares(self, record: Mapping[str, Any]) -> bool:
        """True if that one has to be prepared before Cilium's interfaces appear."""

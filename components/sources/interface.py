"""The interface of each source CNI's module: detect and describe, prepare and restore, remove."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from components.operations.cluster_api.api import Cluster
from components.operations.removal.source_objects import Belongings, Removed, remove_objects
from components.operations.removal.sweep import Sweep
from components.operations.rights.source_rights import NO_RIGHTS, SourceRights
from components.operations.snapshot import Snapshot
from components.operations.source_registry import OwnObjects
from components.sources.description import SourceDescription
from components.sources.detection_setting import Way


@dataclass(frozen=True, kw_only=True)
class Source:
    """One kind of old CNI.

    `detect` raises SourceError for one that is there and cannot be described. `outgoing` has one line for each of its
    settings by which pods are known outside. `way` is where its address detection
    is set, for those that have one. `before_objects` is what must happen before its own objects are deleted. `own` is
    how objects of kinds of its own are read, `rights` are those that it takes beyond every CNI's.
    """

    kind: str
    detect: Callable[[Snapshot], list[SourceDescription]]
    belongings: Callable[[SourceDescription], tuple[Belongings, ...]]
    sweep: Callable[[SourceDescription], Sweep]
    outgoing: Callable[[Snapshot, SourceDescription], Iterator[str]] = lambda _snapshot, _source: iter(())
    way: Callable[[SourceDescription], Way] | None = None
    before_objects: Callable[[Cluster, SourceDescription, float], Removed] | None = None
    own: OwnObjects | None = None
    rights: SourceRights = NO_RIGHTS

    def remove_objects(self, cluster: Cluster, source: SourceDescription, *, timeout_seconds: float) -> Removed:
        """Delete all of its objects from the API; a second call changes nothing."""
        found = Removed()
        if self.before_objects:
            found += self.before_objects(cluster, source, timeout_seconds)
        for each in self.belongings(source):
            found += remove_objects(cluster, each)
        return found

"""What each source CNI's file offers: detect and describe, prepare and restore, remove."""

from collections.abc import Callable
from dataclasses import dataclass

from components.operations.api import Cluster
from components.operations.autodetection import Way
from components.operations.snapshot import Snapshot
from components.operations.source_objects import Belongings, Removed, remove_objects
from components.operations.sweep import Sweep
from components.sources.description import SourceDescription


@dataclass(frozen=True, kw_only=True)
class Source:
    """One kind of old CNI.

    `detect` raises SourceError for one that is there and cannot be described. `way` is where its address detection
    is set, for those that have one. `before_objects` is what must happen before its own objects are deleted.
    """

    kind: str
    detect: Callable[[Snapshot], list[SourceDescription]]
    belongings: Callable[[SourceDescription], tuple[Belongings, ...]]
    sweep: Callable[[SourceDescription], Sweep]
    way: Callable[[SourceDescription], Way] | None = None
    before_objects: Callable[[Cluster, SourceDescription, float], Removed] | None = None

    def remove_objects(self, cluster: Cluster, source: SourceDescription, *, timeout_seconds: float) -> Removed:
        """Delete all that belongs to it from the API; done twice it does nothing."""
        found = Removed()
        if self.before_objects:
            found += self.before_objects(cluster, source, timeout_seconds)
        for each in self.belongings(source):
            found += remove_objects(cluster, each)
        return found

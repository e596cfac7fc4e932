"""Signs of how far the toy strategy is."""

from components.operations.snapshot import Snapshot
from components.sources.description import SourceDescription
from stacks.strategies import Milestone


def reached(*, snapshot: Snapshot, source: SourceDescription) -> Milestone | None:
    """The furthest milestone that the cluster shows signs of."""
    if snapshot.cilium_config is None:
        return None
    return Milestone.NODES_MOVE if snapshot.migrated else Milestone.BOTH_NETWORKS

"""Detects the milestone that a cluster has reached, from Cilium's live settings and the nodes' labels."""

from components.operations.objects.live_config import manages_every_node
from components.operations.snapshot import Snapshot
from components.sources.description import SourceDescription
from stacks.strategies import Milestone


def reached(*, snapshot: Snapshot, source: SourceDescription) -> Milestone | None:
    """The furthest milestone that the cluster shows signs of; None before any."""
    live = snapshot.cilium_config
    if live is None:
        return Milestone.BEFORE_CILIUM if snapshot.record is not None else None
    if manages_every_node(live):
        there = source.is_running(snapshot.daemon_set_names)
        return Milestone.CILIUM_ALONE if there else Milestone.OLD_NETWORK_GONE
    return Milestone.NODES_MOVE if snapshot.migrated else Milestone.BOTH_NETWORKS

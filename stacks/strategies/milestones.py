"""Milestones that every strategy passes in this order, whatever it calls its phases; checks guard them."""

from enum import StrEnum


class Milestone(StrEnum):
    """A state of the cluster's network; the value is how users read it."""

    BEFORE_CILIUM = "before Cilium"
    BOTH_NETWORKS = "both networks"
    NODES_MOVE = "nodes move"
    CILIUM_ALONE = "Cilium alone"
    OLD_NETWORK_GONE = "old network gone"

    @property
    def position(self) -> int:
        """The place in the order, from 0."""
        return list(Milestone).index(self)

    def includes(self, other: "Milestone") -> bool:
        """True if a cluster that has come here has passed `other`, or is at it."""
        return self.position >= other.position

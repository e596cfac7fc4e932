"""What becomes of a cluster's network policies under Cilium: as they are, translated, or lost with the reason."""

from stacks.policies.inventory import Entry, Inventory, Verdict, take_inventory
from stacks.policies.surroundings import Surroundings

__all__ = ["Entry", "Inventory", "Surroundings", "Verdict", "take_inventory"]

"""The fate of a cluster's network policies under Cilium: unchanged, translated, or lost with the reason."""

from stacks.policies.inventory import Entry, Inventory, Verdict, take_inventory
from stacks.policies.surroundings import OldSetting, Surroundings

__all__ = ["Entry", "Inventory", "OldSetting", "Surroundings", "Verdict", "take_inventory"]

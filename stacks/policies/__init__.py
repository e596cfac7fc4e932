"""The fate of a cluster's network policies under Cilium: unchanged, translated, or lost with the reason."""

from stacks.policies.cluster_facts import OldSetting, Surroundings
from stacks.policies.inventory import Entry, Inventory, Verdict, take_inventory

__all__ = ["Entry", "Inventory", "OldSetting", "Surroundings", "Verdict", "take_inventory"]

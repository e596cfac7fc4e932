"""A node's turn in two halves (drain, move to Cilium), and its way back in two (drain, return).

Each half may be killed at any instant and run again: what was done is seen on the cluster and not done twice.
"""

from components.operations.turn.drift import drift
from components.operations.turn.halves_to_cilium import empty_for_cilium, go_there, move_to_cilium
from components.operations.turn.halves_to_source import (
    empty_for_return,
    go_back,
    return_to_source,
    take_back,
    unfinished,
)
from components.operations.turn.recipe import Turn

__all__ = [
    "Turn", "drift", "empty_for_cilium", "empty_for_return", "go_back", "go_there", "move_to_cilium",
    "return_to_source", "take_back", "unfinished",
]  # fmt: skip

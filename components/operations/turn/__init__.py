"""A node's turn, as four halves that undo each other: empty it, move it; and back: empty it, return it.

Each half may be killed at any instant and run again: what was done is seen on the cluster and not done twice.
"""

from components.operations.turn.drift import drift
from components.operations.turn.settings import Turn
from components.operations.turn.to_cilium import empty_for_cilium, move_to_cilium
from components.operations.turn.to_source import empty_for_return, return_to_source

__all__ = ["Turn", "drift", "empty_for_cilium", "empty_for_return", "move_to_cilium", "return_to_source"]

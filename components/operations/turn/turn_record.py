"""The record of a node's turn, which an annotation of its Node keeps: times, steps and counts of both halves."""

import json
from collections.abc import Mapping
from typing import Any

from components.operations.objects.model import Node
from components.operations.turn_annotations import TURN

_COUNTS = ("podsEvicted",)  # of both halves together
_STEPS, _UNREADABLE = "steps", "not JSON"


def record_of_turn(node: Node) -> dict[str, Any]:
    """The record that a Node has; empty if it has none. One that cannot be read has steps that cannot be read."""
    try:
        found = json.loads(node.annotations.get(TURN) or "{}")
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {_STEPS: _UNREADABLE}


def both_halves(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """One record of both halves of a turn, or of two runs of the same half."""
    counts = {name: int(first.get(name) or 0) + int(second.get(name) or 0) for name in _COUNTS}
    both = [each for half in (first, second) if isinstance(found := half.get(_STEPS), list) for each in found]
    began = {name: first[name] for name in ("began",) if name in first}
    return {**first, **second, **began, **counts, _STEPS: both}


def as_annotation(record: Mapping[str, Any]) -> dict[str, str | None]:
    """The record as the annotation that keeps it."""
    return {TURN: json.dumps(record, separators=(",", ":"), sort_keys=True)}

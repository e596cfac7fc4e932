"""When nodes were down because their turn restarted them: what their flows lost then was planned."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from components.operations.traffic import restart_of
from components.probe.explanations import Restart
from scripts.report.turns import Told, by_node, in_order

_STEPS = ("reboot", "command")
_SECONDS = 1.0  # Events are told to the second


def restarts_told(told: Sequence[Told]) -> list[Restart]:
    """By the Events of the nodes; one that is not over lasts until now."""
    return [
        Restart(node=node, start=each.at.timestamp() - _SECONDS, end=end.timestamp() + _SECONDS)
        for node, own in by_node(sorted(told, key=in_order)).items()
        for each, end in [*((each, after.at) for each, after in pairwise(own)), (own[-1], datetime.now(UTC))]
        if each.step in _STEPS
    ]


def restarts_recorded(outputs: Mapping[str, Any]) -> list[Restart]:
    """By the turns' own records in the stack's outputs, which outlive the Events."""
    found = [restart_of(node, turn) for node, turn in (outputs.get("nodes") or {}).items()]
    return [each for each in found if each]

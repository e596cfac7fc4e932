"""When nodes were down because their turn restarted them: what their flows lost then was planned."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from components.operations.deadline import OperationError
from components.operations.traffic import RESTARTS, restart_of
from components.probe.explanations import Restart
from scripts.report.turns import Told, by_node, in_order

_MARGIN_SECONDS = 1.0


def restarts_told(told: Sequence[Told]) -> list[Restart]:
    """By the Events of the nodes; one whose end none of them has lasts until the node's next Event, the last until now.

    Those without a record tell it by their own times, which are to the second.
    """
    found: dict[tuple[str, datetime], datetime] = {}
    for node, own in by_node(sorted(told, key=in_order)).items():
        for each, until in [*((each, after.at) for each, after in pairwise(own)), (own[-1], datetime.now(UTC))]:
            for step in each.record.steps if each.record else ():
                if step.name in RESTARTS:
                    found[node, step.start] = step.end or until
            if not each.record and each.step in RESTARTS:
                found[node, each.at] = until
    return [
        Restart(node=node, start=start.timestamp() - _MARGIN_SECONDS, end=end.timestamp() + _MARGIN_SECONDS)
        for (node, start), end in found.items()
    ]


def restarts_recorded(outputs: Mapping[str, Any]) -> list[Restart]:
    """By the turns' own records in the stack's outputs, which outlive the Events; those not read are told as such."""
    found = []
    for node, turn in (outputs.get("nodes") or {}).items():
        try:
            found.append(restart_of(node, turn))
        except OperationError:
            continue
    return [each for each in found if each]

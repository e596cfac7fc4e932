"""Times at which a turn restarted its node; losses of the node's flows in them count as planned."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from types import MappingProxyType
from typing import Any

from components.operations.deadline import OperationError
from components.operations.probes.traffic import restart_of
from components.probe.explanations import Restart
from scripts.report.turns import Marked, Told, by_node, in_order, records_of_turns

_MARGIN_SECONDS = 1.0


def restarts_told(told: Sequence[Told]) -> list[Restart]:
    """Restarts from the nodes' Events; one without an end lasts until the node's next Event, the last one until now.

    Events without a record count by their own timestamps, which have a resolution of a second.
    """
    found: dict[tuple[str, datetime], datetime] = {}
    for node, own in by_node(sorted(told, key=in_order)).items():
        for each, until in [*((each, after.at) for each, after in pairwise(own)), (own[-1], datetime.now(UTC))]:
            for step in each.record.steps if each.record else ():
                if step.effect == "restart":
                    found[node, step.start] = step.end or until
            if each.restarts:
                found[node, each.at] = until
    return [
        Restart(node=node, start=start.timestamp() - _MARGIN_SECONDS, end=end.timestamp() + _MARGIN_SECONDS)
        for (node, start), end in found.items()
    ]


def restarts_recorded(outputs: Mapping[str, Any], marks: Mapping[str, Marked] = MappingProxyType({})) -> list[Restart]:
    """Restarts from the turns' records, which outlive Events; unreadable ones are skipped."""
    found = []
    for node, turn in records_of_turns(outputs, marks).items():
        try:
            found.append(restart_of(node, turn))
        except OperationError:
            continue
    return [each for each in found if each]

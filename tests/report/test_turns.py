"""A node's turn from outputs, marks and Events, whichever of them there are."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from components.operations.marks import TurnStep
from scripts.report.model import Turn
from scripts.report.turns import Marked, Told, make_turns, moment, troubles

START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
# As the stack's outputs have it: the steps in the order of their names.
RESULT = {
    "finished": "2026-11-21T09:01:00Z",
    "podsEvicted": 4,
    "podsRecycled": 2,
    "restarted": False,
    "seconds": {"agent": 12.0, "recycle": 5.5, "uncordon": 0.5, "verify": 7.0},
    "verified": {"address": "10.245.0.9", "flows": 10, "slowest": 0.01},
}
DRAIN = {"began": "2026-11-21T09:00:20Z", "seconds": {**RESULT["seconds"], "cordon": 0.5, "drain": 8.0}}  # type: ignore[dict-item]


def told(seconds: float, reason: str, message: str = "", node: str = "worker-1") -> Told:
    return Told(node=node, at=START + timedelta(seconds=seconds), reason=f"Migration{reason}", message=message)


def turn_of(result: dict[str, Any], *, events: list[Told] | None = None, mark: Marked | None = None) -> Turn:
    outputs = {"nodes": {"worker-1": result}} if result else {}
    marks = {"worker-1": mark} if mark else {}
    return make_turns(outputs, waves=[["worker-1"]], nodes=[], marks=marks, told=events or [])[0]


def shown(turn: Turn) -> list[tuple[str, float, float]]:
    """Each step with the seconds from START at which it began and ended."""
    return [(s.name, (s.start - START).total_seconds(), (s.end - START).total_seconds()) for s in turn.steps]


SECOND_HALF = [("agent", 35, 47), ("recycle", 47, 52.5), ("verify", 52.5, 59.5), ("uncordon", 59.5, 60)]
DRAIN_TOLD = [told(21, "Cordon"), told(21, "Drain"), told(30, "Done", "drained, 4 pods evicted"), told(35, "Agent")]


@pytest.mark.parametrize(
    ("result", "events", "wanted"),
    [
        ({}, [], []),
        (RESULT, [], SECOND_HALF),
        ({**RESULT, **DRAIN}, [], [("cordon", 20, 20.5), ("drain", 20.5, 28.5), *SECOND_HALF]),
        (RESULT, DRAIN_TOLD, [("cordon", 21, 21), ("drain", 21, 30), *SECOND_HALF]),
        ({**RESULT, **DRAIN}, DRAIN_TOLD, [("cordon", 20, 20.5), ("drain", 20.5, 28.5), *SECOND_HALF]),
        ({}, DRAIN_TOLD, [("cordon", 21, 21), ("drain", 21, 30)]),
        ({}, [told(1, "Cordon"), told(2, "Failed", "no"), *DRAIN_TOLD], [("cordon", 21, 21), ("drain", 21, 30)]),
        ({**RESULT, "finished": "soon"}, [], []),
    ],
)
def test_steps(result: dict[str, Any], events: list[Told], wanted: list[tuple[str, float, float]]) -> None:
    assert shown(turn_of(result, events=events)) == wanted


def test_a_turn_in_place_evicts_after_its_verification() -> None:
    seconds = {"agent": 1.0, "evict": 4.0, "recycle": 2.0, "uncordon": 1.0, "verify": 3.0}
    names = [step.name for step in turn_of({**RESULT, "seconds": seconds}).steps]
    assert names == ["agent", "recycle", "verify", "evict", "uncordon"]


def test_figures_of_a_turn() -> None:
    turn = turn_of({**RESULT, **DRAIN})
    assert (turn.pods_evicted, turn.pods_recycled, turn.rebooted, turn.flows_verified) == (4, 2, False, 10)
    assert turn.seconds == 40
    assert turn.losses is None


@pytest.mark.parametrize(
    ("mark", "events", "result", "state"),
    [
        (None, [], RESULT, "done"),
        (None, [], {}, "to do"),
        (Marked(step=None), [], RESULT, "to do"),
        (Marked(step=TurnStep.MIGRATED), [], {}, "done"),
        (Marked(step=TurnStep.SWITCHING), [told(3, "Agent")], {}, "under way"),
        (Marked(step=TurnStep.DRAINING), [told(3, "Drain"), told(9, "Failed", "no")], {}, "failed"),
        (Marked(step=TurnStep.DRAINING), [told(3, "Stopped", "asked"), told(9, "Drain")], {}, "under way"),
    ],
)
def test_states(mark: Marked | None, events: list[Told], result: dict[str, Any], state: str) -> None:
    assert turn_of(result, events=events, mark=mark).state == state


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (None, None),
        ({}, None),
        ("many", None),
        (
            {
                "dns": {"sent": 10, "failed": 0, "planned": 1, "longestGapMs": 0.0},
                "api": {"sent": 5, "failed": 1, "planned": 0, "longestGapMs": 90.5},
            },
            (15, 1, 90.5),
        ),
    ],
)
def test_what_the_traffic_of_a_wave_was(value: object, wanted: tuple[int, int, float] | None) -> None:
    losses = turn_of({**RESULT, "traffic": value}).losses
    assert (losses and (losses.sent, losses.failed, losses.longest_gap_ms)) == wanted


def test_every_node_has_a_turn_those_of_the_waves_first() -> None:
    turns = make_turns(
        {"nodes": {"worker-9": RESULT}}, waves=[["worker-2"], ["worker-3", "worker-1"]], nodes=["worker-4", "worker-1"],
        marks={}, told=[],
    )  # fmt: skip
    found = [(turn.node, turn.wave) for turn in turns]
    assert found == [("worker-2", 0), ("worker-3", 1), ("worker-1", 1), ("worker-4", None), ("worker-9", None)]


def test_troubles_are_the_failures_and_stops_in_order() -> None:
    events = [
        told(9, "Stopped", "asked"), told(11, "Traffic", "wave 0 lost"), told(3, "Failed", "no", node="worker-2"),
        told(4, "Drain"),
    ]  # fmt: skip
    found = [(each.node, each.message) for each in troubles(events)]
    assert found == [("worker-2", "no"), ("worker-1", "asked"), ("worker-1", "wave 0 lost")]


@pytest.mark.parametrize("text", ["", None, "soon", "2026-11-21T09:00:00", 5])
def test_no_moment_is_made_of_what_is_none(text: object) -> None:
    assert moment(text) is None

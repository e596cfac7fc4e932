"""A node's turn from outputs, marks and Events, whichever of them there are."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from components.operations import progress
from components.operations.step_records import RECORD, as_outputs
from components.operations.turn.recipe import Half
from components.operations.turn.running_steps import steps
from components.operations.turn_annotations import TurnStep
from scripts.report.model import Turn
from scripts.report.turns import Marked, Told, make_turns, moment, troubles, unread
from tests.turns.running_a_turn import make_turn

if TYPE_CHECKING:
    from components.operations.cluster_api.api import Cluster

START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
RESULT: dict[str, Any] = {
    "finished": "2026-11-21T09:01:00Z",
    "podsEvicted": 4,
    "podsRecycled": 2,
    "restarted": False,
    "verified": {"address": "10.245.0.9", "flows": 10, "slowest": 0.01},
}


def told(seconds: float, reason: str, message: str = "", node: str = "worker-1") -> Told:
    return Told(node=node, at=START + timedelta(seconds=seconds), reason=f"Migration{reason}", message=message)


def turn_of(result: dict[str, Any], *, events: list[Told] | None = None, mark: Marked | None = None) -> Turn:
    outputs = {"nodes": {"worker-1": result}} if result else {}
    marks = {"worker-1": mark} if mark else {}
    return make_turns(outputs, waves=[["worker-1"]], nodes=[], marks=marks, told=events or [])[0]


def shown(turn: Turn) -> list[tuple[str, float, float]]:
    """Each step with the seconds from START at which it began and ended."""
    return [(s.name, (s.start - START).total_seconds(), (s.end - START).total_seconds()) for s in turn.steps]


def step(name: str, start: float, end: float | None) -> dict[str, str]:
    times = {"start": start, "end": end}
    known = {key: (START + timedelta(seconds=t)).isoformat() for key, t in times.items() if t is not None}
    return {"name": name, **known}


def half(number: int, *steps: tuple[str, float, float | None], outcome: str = "", node: str = "worker-1") -> Told:
    """An Event with its record, as the API has it."""
    record = {"node": node, "half": number, "outcome": outcome, "steps": [step(*each) for each in steps]}
    latest = max(end or start for _, start, end in steps)
    found = Told.read(
        {
            "involvedObject": {"name": "worker-1"}, "reason": f"Migration{outcome.title() or 'Step'}",
            "metadata": {"annotations": {RECORD: json.dumps(record)}},
            "lastTimestamp": (START + timedelta(seconds=int(latest))).isoformat(),
        }
    )  # fmt: skip
    assert found
    return found


FIRST = (("cordon", 20.0, 20.5), ("drain", 20.5, 28.5))
# A workload that is watched came back after 170 s.
SECOND = (("agent", 35.0, 47.0), ("recycle", 47.0, 52.5), ("verify", 52.5, 59.5), ("uncordon", 59.5, 60.0))
WATCHED = (*SECOND, ("watch", 60.0, 230.0))
IN_PLACE = (("agent", 35.0, 36.0), ("verify", 36.0, 39.0), ("evict", 39.0, 43.0), ("recycle", 43.0, 45.0))
BEFORE = half(1, ("cordon", 1.0, 1.2), ("drain", 1.2, 9.0), outcome="failed")


@pytest.mark.parametrize(
    ("recorded", "events", "wanted"),
    [
        (None, [], ()),
        (SECOND, [], SECOND),
        ((*FIRST, *WATCHED), [], (*FIRST, *WATCHED)),
        ((*FIRST, *IN_PLACE), [], (*FIRST, *IN_PLACE)),
        (WATCHED, [half(1, *FIRST, outcome="done")], (*FIRST, *WATCHED)),
        ((*FIRST, *WATCHED), [half(1, *FIRST, outcome="done"), half(2, *WATCHED)], (*FIRST, *WATCHED)),
        (None, [half(1, *FIRST, outcome="done")], FIRST),
        (None, [half(1, ("cordon", 20.0, None)), half(1, FIRST[0], ("drain", 20.5, None))], FIRST[:1]),
        (None, [BEFORE, half(1, *FIRST, outcome="done")], FIRST),
        (None, [half(1, *FIRST), half(2, ("agent", 35.0, None)), half(2, *WATCHED)], (*FIRST, *WATCHED)),
        (None, [half(1, *FIRST), half(2, ("agent", 30.0, 32.0), outcome="failed"), half(2, *WATCHED)],
         (*FIRST, ("agent", 30.0, 32.0), *WATCHED)),
        (None, [half(1, *FIRST), half(2, ("restore", 30.0, 32.0), ("lunch", 32.0, 39.0))],
         (*FIRST, ("restore", 30.0, 32.0), ("lunch", 32.0, 39.0))),
    ],
)  # fmt: skip
def test_steps_are_drawn_when_they_were(
    recorded: tuple[tuple[str, float, float], ...] | None, events: list[Told],
    wanted: tuple[tuple[str, float, float], ...],
) -> None:  # fmt: skip
    result = {**RESULT, "steps": [step(*each) for each in recorded]} if recorded else {}
    assert shown(turn_of(result, events=events)) == list(wanted)


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        (None, "steps of node worker-1, as the version that moved it recorded no times of them"),
        ("soon", "steps of node worker-1, as the stack's record of them is none of this version's: Input should be"),
        ([{"name": "drain"}], "0.start: Field required"),
        ([step("drain", 9, 3)], "0: Value error, it ends before it begins"),
        ([{"name": "drain", "start": "2026-11-21T09:00:00"}], "0.start: Input should have timezone info"),
        ([{**step("drain", 3, 9), "colour": "red"}], "0.colour: Extra inputs are not permitted"),
        ([step("", 3, 9)], "0.name: String should have at least 1 character"),
    ],
)
def test_steps_that_cannot_be_read_are_said_to_be_left_out(steps: object, said: str) -> None:
    result = {**RESULT, "seconds": {"drain": 8.0}, "steps": steps}
    assert turn_of(result).steps == ()
    (line,) = unread({"nodes": {"worker-1": result}}, [])
    assert said in line


@pytest.mark.parametrize(
    ("annotation", "reason", "said"),
    [
        ("", "MigrationDrain", "steps of node worker-1 that 1 Event told: an earlier version told it"),
        ("{", "MigrationDrain", "the record is none of this version's (Invalid JSON"),
        ('{"node": "worker-1", "half": 3}', "MigrationDrain", "half: Input should be 1 or 2"),
        ('{"node": "worker-2", "half": 1}', "MigrationDone", "the record speaks of node worker-2"),
        ("", "MigrationTraffic", ""),
        ('{"node": "worker-1", "half": 1}', "MigrationDone", ""),
    ],
)
def test_an_event_that_cannot_be_read_is_said_to_be_left_out(annotation: str, reason: str, said: str) -> None:
    metadata = {"annotations": {RECORD: annotation} if annotation else {}}
    item = {"involvedObject": {"name": "worker-1"}, "metadata": metadata, "reason": reason}
    found = Told.read({**item, "lastTimestamp": "2026-11-21T09:00:00Z"})
    assert found
    lines = unread({}, [found])
    assert (said in lines[0]) if said else (lines == [])
    assert Told.read({**item, "lastTimestamp": None}) is None


@pytest.mark.parametrize("watched", [0.0, 3.5, 170.0, 3600.0])
def test_what_a_turn_writes_is_what_is_drawn(monkeypatch: pytest.MonkeyPatch, watched: float) -> None:
    """From the turn's own progress through outputs and Events, on a clock of the test's."""
    seconds = 0.0
    told_to: list[dict[str, Any]] = []

    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return START + timedelta(seconds=seconds)

    class Events:
        def mention(self, _path: str, body: dict[str, Any]) -> None:
            told_to.append(body)

    monkeypatch.setattr(progress, "datetime", Clock)
    monkeypatch.setattr("components.operations.progress.time.monotonic", lambda: seconds)
    outputs: list[dict[str, Any]] = []
    for half, half_turn in ((Half.BEFORE, FIRST), (Half.AFTER, (*SECOND, ("watch", 60.0, 60.0 + watched)))):
        with steps(cast("Cluster", Events()), make_turn(), half=half) as told_progress:
            for name, start, end in half_turn:
                seconds = start
                told_progress.step(name)
                seconds = end
            told_progress.done("done")
        outputs += as_outputs(told_progress.times)
    wanted = [*FIRST, *SECOND, ("watch", 60.0, 60.0 + watched)]
    events = [found for found in map(Told.read, told_to) if found]
    assert shown(turn_of({**RESULT, "steps": outputs})) == wanted
    assert shown(turn_of({}, events=events)) == wanted
    assert shown(turn_of({**RESULT, "steps": outputs}, events=events)) == wanted
    assert unread({"nodes": {"worker-1": {"steps": outputs}}}, events) == []
    assert [each.step for each in events][-3:] == ["uncordon", "watch", ""]


def test_figures_of_a_turn() -> None:
    turn = turn_of({**RESULT, "began": "2026-11-21T09:00:20Z"})
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


def test_a_step_has_the_effect_that_was_recorded_whatever_its_name() -> None:
    """Records of earlier versions have none: there the names stand for it."""
    now = {**step("swap", 1, 2), "effect": "switch"}, {**step("agent", 2, 3), "effect": ""}
    before = step("agent", 3, 4), step("reboot", 4, 5), step("drain", 5, 6)
    turn = turn_of({**RESULT, "steps": [*now, *before]})
    assert [each.effect for each in turn.steps] == ["switch", "", "switch", "restart", ""]


def test_an_event_is_read_from_its_record_and_not_from_its_reason() -> None:
    """The reason is for people who look at the node, as the message is."""
    failed = half(1, ("cordon", 1.0, 2.0), outcome="failed")
    renamed = replace(failed, reason="MigrationDone")
    assert (renamed.outcome, renamed.bad, renamed.word, renamed.begins) == (
        "failed", True, "failed", START + timedelta(seconds=1),
    )  # fmt: skip
    assert troubles([renamed])

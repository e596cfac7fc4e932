"""When nodes were down by our own doing, from Events and from the stack's outputs."""

from datetime import UTC, datetime, timedelta
from typing import Any

from components.operations.step_records import HalfRecord, StepRecord
from scripts.report.restarts import restarts_recorded, restarts_told
from scripts.report.turns import Told

START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def told(seconds: float, reason: str, node: str = "worker-1") -> Told:
    return Told(node=node, at=START + timedelta(seconds=seconds), reason=f"Migration{reason}", message="")


def test_a_restart_lasts_from_its_event_to_the_nodes_next() -> None:
    events = [
        told(50, "Verify"), told(10, "Agent"), told(20, "Reboot"), told(30, "Agent", "worker-2"),
        told(40, "Command", "worker-3"), told(44, "Failed", "worker-3"),
    ]  # fmt: skip
    found = [
        (each.node, each.start - START.timestamp(), each.end - START.timestamp()) for each in restarts_told(events)
    ]
    assert found == [("worker-1", 19, 51), ("worker-3", 39, 45)]


def test_a_restart_under_way_lasts_until_now() -> None:
    (found,) = restarts_told([told(20, "Reboot")])
    assert abs(found.end - datetime.now(UTC).timestamp()) < 10


def recorded(seconds: float, **more: Any) -> Told:
    step = StepRecord(name="reboot", start=START + timedelta(seconds=20), **more)
    half = HalfRecord(node="worker-1", half=2, steps=(step,))
    return Told(node="worker-1", at=START + timedelta(seconds=seconds), reason="MigrationX", message="", record=half)


def test_the_times_that_are_recorded_go_before_those_of_the_events() -> None:
    closed = recorded(90, end=START + timedelta(seconds=51.5))
    (found,) = restarts_told([recorded(20), closed, told(200, "Watch")])
    assert (found.start - START.timestamp(), found.end - START.timestamp()) == (19, 52.5)


def test_one_that_was_broken_off_lasts_until_the_node_is_heard_of_again() -> None:
    (found,) = restarts_told([recorded(20), told(80, "Agent")])
    assert found.end - START.timestamp() == 81


def test_a_record_tells_a_restart_and_nothing_before_or_after_it() -> None:
    reboot = {"name": "reboot", "start": "2026-11-21T09:00:26Z", "end": "2026-11-21T09:00:56Z"}
    turn: dict[str, Any] = {"restarted": True, "steps": [reboot]}
    broken = {"restarted": True, "steps": "soon"}
    outputs = {
        "nodes": {"worker-1": turn, "worker-2": {**turn, "restarted": False}, "worker-3": {}, "worker-4": broken}
    }
    found = [
        (each.node, each.start - START.timestamp(), each.end - START.timestamp()) for each in restarts_recorded(outputs)
    ]
    assert found == [("worker-1", 25, 57)]
    assert restarts_recorded({}) == []

"""When nodes were down by our own doing, from Events and from the stack's outputs."""

from datetime import UTC, datetime, timedelta
from typing import Any

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


def test_a_record_tells_a_restart_and_nothing_before_or_after_it() -> None:
    seconds = {"cordon": 1.0, "drain": 100.0, "agent": 10.0, "recycle": 4.0, "reboot": 30.0}
    turn: dict[str, Any] = {"restarted": True, "finished": "2026-11-21T09:01:00Z", "seconds": seconds}
    outputs = {"nodes": {"worker-1": turn, "worker-2": {**turn, "restarted": False}, "worker-3": {}}}
    found = [
        (each.node, each.start - START.timestamp(), each.end - START.timestamp()) for each in restarts_recorded(outputs)
    ]
    assert found == [("worker-1", 25, 57)]
    assert restarts_recorded({}) == []

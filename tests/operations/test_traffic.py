import json
from datetime import UTC, datetime
from typing import Any

import pytest

from components.operations.traffic import Change, baseline, moment, record_of, refusal, restart_of
from components.probe.budget import Budget, broken
from components.probe.measured import FlowTotals, Measurement
from components.probe.records import Reading
from stacks.config import parse_config

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)


def measurement(*flows: FlowTotals, seconds: float = 60) -> Measurement:
    return Measurement(start=NOW, end=datetime.fromtimestamp(NOW.timestamp() + seconds, UTC), probes=2, flows=flows)


def flow(source: str, target: str, **fields: Any) -> FlowTotals:
    return FlowTotals(kind=fields.pop("kind", "pod-http"), source_node=source, target_node=target, **fields)


def test_a_nodes_record_has_the_flows_from_and_to_it() -> None:
    found = record_of(
        measurement(
            flow("worker-1", "worker-2", sent=10, failed=1, longest_gap_ms=120.04),
            flow("worker-2", "worker-1", sent=5, planned=2, longest_gap_ms=80),
            flow("worker-2", "worker-3", sent=7, failed=7),
            flow("worker-1", "", kind="dns", sent=3),
        ),
        "worker-1",
    )
    assert found == {
        "dns": {"sent": 3, "failed": 0, "planned": 0, "longestGapMs": 0.0},
        "pod-http": {"sent": 15, "failed": 1, "planned": 2, "longestGapMs": 120.0},
    }


@pytest.mark.parametrize(
    ("turn", "length"),
    [
        ({"restarted": False, "finished": "2026-11-21T12:00:00Z", "seconds": {"agent": 9}}, None),
        ({"restarted": True, "finished": "", "seconds": {}}, None),
        ({"restarted": True, "finished": "2026-11-21T12:00:00Z", "seconds": {"agent": 9.0, "reboot": 31.0}}, 42.0),
    ],
)
def test_a_restart_is_the_time_that_the_turns_own_record_says(turn: dict[str, Any], length: float | None) -> None:
    found = restart_of("worker-1", turn)
    assert (found.end - found.start if found else None) == length
    if found:
        assert found.start < moment("2026-11-21T12:00:00Z").timestamp() < found.end


def test_the_default_budget_forbids_any_lost_request_and_forgives_a_busy_name_server() -> None:
    budget = Budget.model_validate({"kinds": {k: v.model_dump() for k, v in parse_config({}).traffic.budget.items()}})
    everything = [flow("worker-1", "worker-2", kind=kind, sent=100) for kind in budget.kinds]
    assert broken(measurement(*everything), budget) == []
    assert broken(measurement(*everything, flow("worker-1", "", kind="dns", sent=9, failed=3)), budget) == []
    (line,) = broken(measurement(*everything, flow("worker-2", "worker-1", sent=50, failed=1), seconds=20), budget)
    assert line.startswith("worker-2 → worker-1, pod to pod: 1 of 50 failed")


def test_what_a_change_was_held_to_is_recorded_with_every_limit() -> None:
    budget = Budget.model_validate({"kinds": {"dns": {"failed": 3, "gap_ms": 9000.5}, "api": {}}, "pause_ms": 700})
    assert budget.text == "api 0 lost 0 ms; dns 3 lost 9000.5 ms; pause 700 ms"
    assert Budget.read(budget.text) == budget
    assert Budget.read("pause 5000 ms") == Budget(kinds={}, pause_ms=5000)


def test_kinds_that_were_never_sent_are_told_once_there_was_time_for_them() -> None:
    budget = Budget.model_validate({"kinds": {"pod-http": {}, "api": {}}})
    flows = (flow("worker-1", "worker-2", sent=9),)
    assert broken(measurement(*flows, seconds=10), budget) == []
    (line,) = broken(measurement(*flows, seconds=60), budget)
    assert "API server" in line


def test_a_baseline_is_as_long_as_it_was_asked_for_whatever_else_a_log_holds() -> None:
    reading = Reading(keep_all=True)
    record = {"probe": 1, "pod": "a", "node": "worker-1", "ip": "", "run": "r", "since": 0, "names": {}, "flows": []}
    told = [{**record, "number": number, "at": 2 * number, "outages": [], "pauses": []} for number in range(1, 21)]
    old = {**told[3], "run": "old", "final": True, "by": "a"}
    reading.add(json.dumps(each, separators=(",", ":")) for line in told for each in (line, old))
    before = baseline(reading, seconds=10).latest
    assert {key: each.at for key, each in before.items()} == {("a", "r"): 30, ("a", "old"): 8}


def test_a_long_list_is_cut_and_says_so() -> None:
    text = refusal(Change.of_wave("wave 3"), [f"line {number}" for number in range(20)])
    assert "wave 3 is done, but it broke its traffic budget" in text
    assert "line 11\n  and 8 more" in text
    assert text.endswith("accepts it and goes on, taking the nodes out of `waves` gives them back")
    assert refusal(Change(title="phase cleanup"), []).endswith("accepts it and goes on")

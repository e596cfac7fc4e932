import json
from datetime import UTC, datetime
from typing import Any

import pytest

from components.operations.deadline import OperationError
from components.operations.probes import traffic
from components.operations.probes.traffic import (
    Change,
    Rules,
    baseline,
    moment,
    reaches_back,
    record_of,
    refusal,
    restart_of,
)
from components.operations.progress import Progress
from components.probe.budget import Budget, broken
from components.probe.measured import FlowTotals, Measurement
from components.probe.records import Networks, Reading
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


def step(name: str, start: str, end: str | None = None) -> dict[str, str]:
    return {"name": name, "start": f"2026-11-21T{start}Z"} | ({"end": f"2026-11-21T{end}Z"} if end else {})


DRAIN, VERIFY = step("drain", "11:50:00", "11:58:00"), step("verify", "12:00:31", "12:00:40")
WATCH = step("watch", "12:00:40", "12:03:30")


@pytest.mark.parametrize(
    ("turn", "seconds"),
    [
        ({}, None),
        ({"restarted": False, "steps": [step("reboot", "12:00:00", "12:00:31")]}, None),
        ({"restarted": True, "steps": [DRAIN, VERIFY]}, None),
        ({"restarted": True, "steps": None, "finished": "2026-11-21T12:00:00Z", "seconds": {"reboot": 31.0}}, None),
        ({"restarted": True, "steps": [DRAIN, step("reboot", "12:00:00")]}, None),
        ({"restarted": True, "steps": [DRAIN, step("reboot", "12:00:00", "12:00:31"), VERIFY, WATCH]}, (0, 31)),
        ({"restarted": True, "steps": [step("command", "12:00:00", "12:00:05"), DRAIN]}, (0, 5)),
    ],
)
def test_a_restart_is_the_time_that_the_turns_own_record_says(
    turn: dict[str, Any], seconds: tuple[int, int] | None
) -> None:
    """The restart alone is excused, no step before or after it, such as a long wait for what is watched."""
    found = restart_of("worker-1", turn)
    began = moment("2026-11-21T12:00:00Z").timestamp()
    assert (found and (found.start - began, found.end - began)) == (seconds and (seconds[0] - 1, seconds[1] + 1))


@pytest.mark.parametrize("steps", ["soon", [{"name": "reboot"}], [step("reboot", "12:00:31", "12:00:00")]])
def test_a_record_of_a_restart_that_cannot_be_read_excuses_nothing_in_silence(steps: object) -> None:
    with pytest.raises(OperationError, match="node worker-1: the record of its turn's steps is none of this version's"):
        restart_of("worker-1", {"restarted": True, "steps": steps})


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


@pytest.mark.parametrize(
    ("node", "ended", "counted"),
    [("worker-1", 38, True), ("worker-1", 29, False), ("gone", 29, True), ("gone", 5, False)],
)
def test_what_a_run_lost_before_its_end_leaves_the_baseline_as_time_goes_on(
    node: str, ended: int, counted: bool
) -> None:
    """A reboot ends each run of a node amid losses; the log of before is read as long as the kubelet keeps it."""
    reading = Reading(keep_all=True)
    same = {"probe": 1, "ip": "", "since": 0, "names": {}, "flows": [], "outages": [], "pauses": []}
    ours = [{**same, "pod": "a", "node": "worker-1", "run": "new", "number": at, "at": at} for at in range(31, 41)]
    dead = [{**same, "pod": "b", "node": node, "run": "old", "number": at, "at": at} for at in range(ended + 1)]
    reading.add(json.dumps(each, separators=(",", ":")) for each in [*ours, *dead])
    before = baseline(reading, seconds=10).latest["b", "old"]
    assert (before.at < ended) is counted


def test_a_long_list_is_cut_and_says_so() -> None:
    text = refusal(Change.of_wave("wave 3"), [f"line {number}" for number in range(20)])
    assert "wave 3 is done, but it broke its traffic budget" in text
    assert "line 11\n  and 8 more" in text
    assert text.endswith("accepts it and goes on, taking the nodes out of `waves` gives them back")
    assert refusal(Change(title="phase cleanup"), []).endswith("accepts it and goes on")


def _reading(*, since: float, at: float) -> Reading:
    reading = Reading(keep_all=True)
    record = {
        "probe": 1,
        "pod": "a",
        "node": "worker-1",
        "ip": "",
        "run": "r",
        "since": since,
        "names": {},
        "flows": [],
    }
    told = {**record, "number": 1, "at": at, "outages": [], "pauses": []}
    reading.add([json.dumps(told, separators=(",", ":"))])
    return reading


def test_a_baseline_reaches_back_to_the_beginning_of_a_probe_that_is_young() -> None:
    assert reaches_back(_reading(since=100, at=115), seconds=20)
    assert reaches_back(_reading(since=100, at=121), seconds=20)
    assert not reaches_back(_reading(since=100, at=123), seconds=20)


@pytest.mark.parametrize(("ages", "refused"), [((18, 20, 25), False), ((18, 20, 22.5), True), ((300,), True)])
def test_what_a_young_probe_lost_at_its_beginning_forbids_nothing_once_it_is_past(
    monkeypatch: pytest.MonkeyPatch, ages: tuple[float, ...], refused: bool
) -> None:
    """Each look finds the probe older; its losses, unless they go on, leave the baseline at the last look."""
    looks = list(ages)

    def look(*_: object, **__: object) -> tuple[Reading, list[str]]:
        return _reading(since=0, at=looks.pop(0)), []

    def lost(*_: object, **__: object) -> list[str]:
        return [] if not looks and not refused else ["worker-2 → the Service: 3 of 19 failed"]

    monkeypatch.setattr(traffic, "_grown_up", look)
    monkeypatch.setattr(traffic, "broken", lost)
    monkeypatch.setattr(traffic, "pause", lambda _: None)
    rules = Rules(
        budget=Budget(kinds={}), networks=Networks(old=("10.244.0.0/16",), new=("10.245.0.0/16",)), baseline_seconds=20,
        soak_seconds=0, deadline_seconds=5,
    )  # fmt: skip
    change = Change(title="phase secondary")
    if refused:
        with pytest.raises(OperationError, match="phase secondary does not begin, nothing was changed"):
            traffic.assert_quiet(None, change=change, rules=rules, progress=Progress("it", 1))  # type: ignore[arg-type]
    else:
        traffic.assert_quiet(None, change=change, rules=rules, progress=Progress("it", 1))  # type: ignore[arg-type]
    assert looks == []


def test_a_change_is_judged_by_what_was_lost_since_it_began(monkeypatch: pytest.MonkeyPatch) -> None:
    before, after = _reading(since=0, at=100), _reading(since=0, at=160)
    counted_from: list[Reading] = []

    def measured(_reading: Reading, *, since: Reading, **_: object) -> Measurement:
        counted_from.append(since)
        return measurement(flow("worker-1", "worker-2", sent=50, failed=1))

    monkeypatch.setattr(traffic, "read_probes", lambda *_, **__: (after, []))
    monkeypatch.setattr(traffic, "measure", measured)
    monkeypatch.setitem(traffic._before, "wave 1", before)
    rules = Rules(
        budget=Budget.model_validate({"kinds": {"pod-http": {}}}), networks=Networks(old=(), new=()),
        baseline_seconds=20, soak_seconds=0, deadline_seconds=5,
    )  # fmt: skip
    _, lost = traffic.judge(
        None, change=Change.of_wave("wave 1"), since=datetime.fromtimestamp(100, UTC), restarts=(), rules=rules,  # type: ignore[arg-type]
        progress=Progress("it", 1),
    )  # fmt: skip
    assert [each.latest for each in counted_from] == [before.latest]
    assert lost[0].startswith("worker-1 → worker-2, pod to pod: 1 of 50 failed")

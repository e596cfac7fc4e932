"""From records to a measurement, by table: runs, heirs, baselines, and the words of both ends."""

import base64
import json
import zlib
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.probe.explanations import Restart
from components.probe.measured import LATENCY_BOUNDS_MS, Measurement
from components.probe.reading import measure
from components.probe.records import Networks, Reading, Record

_NOW = 1_800_000_000.0
_NETWORKS = Networks(old=("10.244.0.0/16",), new=("10.245.0.0/16",))
_BUCKETS = len(LATENCY_BOUNDS_MS) + 1


def _row(kind: str = "pod-echo", to: str = "10.245.2.2", *, sent: int = 100, **fields: Any) -> dict[str, Any]:
    return {
        "kind": kind,
        "to": to,
        "sent": sent,
        "latency": [sent - fields.get("failed", 0)] + [0] * (_BUCKETS - 1),
        **fields,
    }


def _outage(
    kind: str = "pod-echo", to: str = "10.245.2.2", *, start: float = 10, ms: float = 500, **fields: Any
) -> dict[str, Any]:
    return {"kind": kind, "to": to, "start": _NOW + start, "ms": ms, "sent": 10, **fields}


def _line(number: int = 1, *, node: int = 1, flows: list[Any] | None = None, at: float = 100, **fields: Any) -> str:
    record = {
        "probe": 1,
        "pod": f"probe-{node}",
        "node": f"worker-{node}",
        "ip": f"10.24{'4' if node == 1 else '5'}.{node}.2",
        "run": f"run-{node}",
        "number": number,
        "since": _NOW,
        "at": _NOW + at,
        "flows": [_row()] if flows is None else flows,
        "names": {"10.245.2.2": ["probe-2", "worker-2"]},
        "outages": [],
        "pauses": [],
        **fields,
    }
    return json.dumps(record, separators=(",", ":"))


def _reading(*lines: str, keep_all: bool = False) -> Reading:
    reading = Reading(keep_all=keep_all)
    reading.add(lines)
    return reading


def _measured(*lines: str, since: Reading | None = None, restarts: tuple[Restart, ...] = ()) -> Measurement:
    return measure(_reading(*lines), networks=_NETWORKS, since=since, restarts=restarts)


def test_networks_and_nodes_are_told_by_addresses() -> None:
    (flow,) = _measured(_line()).flows
    assert (flow.source_node, flow.target_node) == ("worker-1", "worker-2")
    assert (flow.source_network, flow.target_network) == ("old", "new")
    assert flow.latency[0] == flow.sent == 100


def test_who_never_answered_is_known_by_its_own_record() -> None:
    measured = _measured(_line(names={}), _line(node=2, flows=[]))
    assert [flow.target_node for flow in measured.flows] == ["worker-2"]


@given(st.permutations([1, 2, 3]), st.integers(min_value=1, max_value=3))
def test_the_latest_line_stands_for_all_whatever_the_order(order: list[int], times: int) -> None:
    lines = [_line(number, flows=[_row(sent=number * 10)]) for number in order] * times
    assert [flow.sent for flow in _measured(*lines).flows] == [30]


def test_an_inherited_record_counts_once_and_with_its_own_node() -> None:
    final = json.loads(_line(9, flows=[_row(sent=90)], final=True, terminating=_NOW + 50))
    told = json.dumps({**final, "by": "probe-2"}, separators=(",", ":"))
    measured = _measured(told, told, json.dumps(final, separators=(",", ":")), _line(node=2, flows=[], inherited=1))
    assert [(flow.source_node, flow.sent) for flow in measured.flows] == [("worker-1", 90)]
    assert _reading(told, _line(node=2, flows=[], inherited=2)).missing_inherited("probe-2") == 1


def test_the_dearest_node_says_what_the_probes_cost() -> None:
    gone = _line(run="run-0", cpu=1.0, memory=9, final=True)
    lines = [gone, _line(cpu=1.5, memory=100), _line(node=2, flows=[], cpu=2.0, memory=300)]
    cost = _measured(*lines).cost
    assert cost
    assert (cost.node, cost.millicores, cost.memory_bytes) == ("worker-1", 25.0, 300)
    since = _reading(_line(1, at=50, cpu=0.5), _line(1, node=2, at=50, cpu=0.1))
    cost = _measured(*lines[1:], since=since).cost
    assert cost
    assert (cost.node, cost.millicores) == ("worker-2", 38.0)
    assert _measured(_line()).cost is None


def test_who_ended_before_makes_the_time_no_longer() -> None:
    gone = _line(run="run-0", at=20, final=True)
    since = _reading(gone, _line(5, at=90))
    assert _measured(gone, _line(9, at=100), since=since).start == datetime.fromtimestamp(_NOW + 90, UTC)
    assert _measured(gone, _line(9, at=100)).start == datetime.fromtimestamp(_NOW, UTC)


def test_two_runs_of_a_pod_are_added() -> None:
    measured = _measured(_line(), _line(run="run-1-again"))
    assert [flow.sent for flow in measured.flows] == [200]


@pytest.mark.parametrize("line", ["", "Traceback", '{"probe":2}', '{"probe":1,"pod":"x"}', _line()[:-9]])
def test_other_and_torn_lines_are_left_out(line: str) -> None:
    assert Record.read(line) is None


def test_what_came_since_a_baseline() -> None:
    before = _reading(_line(5, flows=[_row(sent=60, failed=3, gap=900.0)], outages=[_outage(ms=900)], at=50))
    outages = [_outage(ms=900), _outage(start=60, ms=400, failed=2)]
    measured = _measured(_line(9, flows=[_row(sent=100, failed=5, gap=900.0)], outages=outages), since=before)
    (flow,) = measured.flows
    assert (flow.sent, flow.failed, flow.longest_gap_ms) == (40, 2, 400)
    assert [outage.milliseconds for outage in measured.outages] == [400]
    assert measured.start == datetime.fromtimestamp(_NOW + 50, UTC)


@pytest.mark.parametrize("known_before", [True, False])
def test_what_a_baseline_saw_the_beginning_of_is_explained_when_it_counts(known_before: bool) -> None:
    """An outage is over when the last doubt is: its failures may count after a moment that it ended before."""
    began = [_outage(start=46, ms=3000, failed=2, owed=2, open=True)] if known_before else []
    before = _reading(_line(5, at=50, flows=[_row(sent=60)], outages=began))
    after = _line(9, flows=[_row(sent=100, failed=2)], outages=[_outage(start=46, ms=3100, failed=2)])
    ended = _line(node=2, flows=[], final=True, terminating=_NOW + 45.9)
    (flow,) = _measured(after, ended, since=before).flows
    assert (flow.failed, flow.planned) == (0, 2)
    (flow,) = _measured(after, since=before).flows
    assert (flow.failed, flow.planned, flow.longest_gap_ms) == (2, 0, 3100)


def test_an_outage_that_lasts_counts_already() -> None:
    line = _line(flows=[_row(failed=1)], outages=[_outage(ms=3000, failed=4, owed=4, open=True)])
    (flow,) = _measured(line).flows
    assert (flow.failed, flow.longest_gap_ms) == (5, 3000)


def test_what_was_counted_as_lost_before_the_word_came_that_explains_it_is_taken_back() -> None:
    """As a node restarts for longer than failures wait for a word: its pod leaves the names only after 12 s."""
    outage = _outage(ms=12_237, failed=207, blamed=207, planned="vanished")
    (flow,) = _measured(_line(flows=[_row(sent=400, failed=207, planned=41)], outages=[outage])).flows
    assert (flow.failed, flow.planned) == (0, 248)
    unplanned = _outage(ms=12_237, failed=207, blamed=207)
    (flow,) = _measured(_line(flows=[_row(sent=400, failed=207)], outages=[unplanned])).flows
    assert (flow.failed, flow.planned) == (207, 0)


def _excused(**fields: Any) -> tuple[str, Measurement]:
    others = fields.pop("others", [])
    outage = _outage(failed=4, **fields)
    planned = bool(fields.get("planned"))
    row = {**_row(), "planned" if planned else "failed": 4, "planned_gap" if planned else "gap": 500.0}
    measured = _measured(_line(flows=[row], outages=[outage]), *others)
    return measured.outages[0].planned, measured


def test_the_other_ends_word_that_it_was_terminating_excuses() -> None:
    planned, measured = _excused(others=[_line(node=2, flows=[], final=True, terminating=_NOW + 9.5)])
    assert planned == "pod probe-2 was being terminated"
    (flow,) = measured.flows
    assert (flow.failed, flow.planned, flow.longest_gap_ms, flow.longest_planned_gap_ms) == (0, 4, 0, 500)


def test_that_a_pod_vanished_excuses_nothing_before_it_was_asked_to_end() -> None:
    words = [_line(node=2, flows=[], final=True, terminating=_NOW + 10.4)]
    early, _ = _excused(start=5, ms=6000, planned="vanished", others=words)
    assert early == ""
    alone, _ = _excused(planned="vanished")
    assert alone == "pod probe-2 was deleted"


def test_a_pause_of_either_end_excuses_what_it_covers() -> None:
    there, _ = _excused(others=[_line(node=2, flows=[], pauses=[[_NOW + 10, 480]])])
    assert there == "the process of probe probe-2 did not run for 480 ms"
    short, _ = _excused(ms=5000, others=[_line(node=2, flows=[], pauses=[[_NOW + 10, 480]])])
    assert short == ""
    elsewhere, _ = _excused(others=[_line(node=3, flows=[], pauses=[[_NOW + 10, 480]])])
    assert elsewhere == ""
    unrelated, _ = _excused(others=[_line(node=2, flows=[], pauses=[[_NOW + 80, 480]])])
    assert unrelated == ""


def test_a_restart_that_was_asked_for_excuses() -> None:
    line = _line(outages=[_outage()])
    restart = Restart(node="worker-2", start=_NOW + 9, end=_NOW + 40)
    assert _measured(line, restarts=(restart,)).outages[0].planned == "node worker-2 was being restarted"
    other = Restart(node="worker-3", start=_NOW + 9, end=_NOW + 40)
    assert _measured(line, restarts=(other,)).outages[0].planned == ""


def test_a_restart_excuses_what_ends_in_one_moment_and_the_restarted_nodes_own_flows() -> None:
    line = _line(outages=[_outage(ms=0, start=12)])
    for node in ("worker-2", "worker-1"):
        restart = Restart(node=node, start=_NOW + 9, end=_NOW + 40)
        assert _measured(line, restarts=(restart,)).outages[0].planned == f"node {node} was being restarted"
    before = Restart(node="worker-2", start=_NOW + 20, end=_NOW + 40)
    assert _measured(line, restarts=(before,)).outages[0].planned == ""


def _past(counts: dict[int, int], *, run: str = "run-1", seconds: int = 10, **fields: Any) -> str:
    """By number of the moment: how many lookups were sent in it; of each, one failed."""
    moments = {number: {"dns": [sent, 1, 0, sent - 1, *[0] * (_BUCKETS - 1)]} for number, sent in counts.items()}
    packed = base64.b64encode(zlib.compress(json.dumps(moments).encode())).decode()
    origin = {"pod": "probe-1", "node": "worker-1", "ip": "10.244.1.2", "run": run}
    said = {"past": 1, **origin, "seconds": seconds, "moments": packed, **fields}
    return json.dumps(said, separators=(",", ":"))


def _timeline(*lines: str, **others: Any) -> list[tuple[float, float, int, int, int]]:
    reading = Reading(with_pasts=True)
    reading.add(lines)
    measured = measure(reading, networks=_NETWORKS, **others).timeline
    return [(each.start.timestamp() - _NOW, each.seconds, each.sent, each.failed, each.planned) for each in measured]


_FIRST = int(_NOW // 10)


def test_a_timeline_is_the_sum_of_all_pasts_and_the_latest_of_a_run_stands_for_it() -> None:
    lines = [_past({_FIRST: 5}), _past({_FIRST: 9, _FIRST + 1: 3}), _past({_FIRST + 1: 4}, run="run-2", by="probe-9")]
    assert _timeline(*lines, *lines) == [(0, 10, 9, 1, 0), (10, 10, 7, 2, 0)]


def test_a_timelines_moments_are_as_wide_as_the_widest() -> None:
    wide = _past({_FIRST // 2: 5}, run="run-2", seconds=20)
    assert _timeline(_past({_FIRST: 9, _FIRST + 1: 3}), wide) == [(0, 20, 17, 3, 0)]


def test_a_timeline_counts_as_planned_what_the_other_end_explains() -> None:
    outage = _outage("dns", "10.96.0.10", start=1, ms=2000, failed=1, sent=1)
    record = _line(flows=[_row("dns", "10.96.0.10", sent=5, failed=1)], outages=[outage])
    restart = Restart(node="worker-1", start=_NOW, end=_NOW + 5)
    assert _timeline(_past({_FIRST: 5}), record, restarts=[restart]) == [(0, 10, 5, 0, 1)]
    assert _timeline(_past({_FIRST: 5}), record) == [(0, 10, 5, 1, 0)]


def test_a_torn_past_is_none() -> None:
    line = _past({_FIRST: 5})
    assert _timeline(line[:-20], line.replace('"moments":"', '"moments":"!'), "{}") == []


def test_pasts_that_an_heir_tells_of_and_were_not_read_are_missed() -> None:
    record = _line(node=2, flows=[], inherited_pasts=2)
    old = _past({_FIRST: 4}, run="run-9", by="probe-2")
    for with_pasts, missing in ((True, 1), (False, 0)):
        reading = Reading(with_pasts=with_pasts)
        reading.add([record, old])
        assert reading.missing_inherited("probe-2") == missing

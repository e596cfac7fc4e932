"""A probe's history, and the history that it takes over from others: condensing it loses no counts."""

import json

from hypothesis import given
from hypothesis import strategies as st

from components.probe.in_pod.records.counts_over_time import Past
from components.probe.in_pod.records.inherited import PAST, RECORD, Inherited
from components.probe.in_pod.records.ledger import LATENCY_BOUNDS_MS, LONGEST_LINE_BYTES, Ledger, Row
from components.probe.records import Past as ReadPast

_NOW = 1_800_000_000.0
_ORIGIN = {"pod": "probe-1", "node": "worker-1", "ip": "10.244.1.2", "run": "run-1"}
_KINDS = ("pod-echo", "pod-full", "pod-http", "service-echo", "service-http", "dns", "api")


def _read(past: Past) -> ReadPast:
    read = ReadPast.read(past.line(_ORIGIN))
    assert read
    return read


@given(st.lists(st.tuples(st.floats(min_value=0.1, max_value=2000), st.integers(0, 50)), min_size=1, max_size=60))
def test_whatever_the_time_all_is_counted_in_few_enough_moments(steps: list[tuple[float, int]]) -> None:
    past, at, rows = Past(), _NOW, [Row(kind="dns", to="a"), Row(kind="dns", to="b")]
    for number, (seconds, sent) in enumerate(steps):
        at += seconds
        row = rows[number % 2]
        row.sent += sent
        row.latency[3] += sent
        past.take(rows, at=at)
    read = _read(past)
    total = sum(row.sent for row in rows)
    assert sum(kinds["dns"][0] for kinds in read.moments.values()) == total == read.extent
    assert sum(kinds["dns"][3 + 3] for kinds in read.moments.values()) == total
    assert max(read.moments) - min(read.moments) < 120
    assert max(read.moments) == at // read.seconds


def test_the_line_stays_short_enough_for_a_log() -> None:
    past = Past()
    rows = [Row(kind=kind, to="a") for kind in _KINDS]
    for step in range(1200):
        for place, row in enumerate(rows):
            row.sent += 90 + (step * 7919 + place * 104729) % 97
            row.failed += (step * place) % 3
            for bucket in range(len(LATENCY_BOUNDS_MS)):
                row.latency[bucket] += (step * 31 + bucket * 17 + place) % 41
        past.take(rows, at=_NOW + step)
    assert len(past.line(_ORIGIN)) <= LONGEST_LINE_BYTES
    assert _read(past).extent == sum(row.sent for row in rows)


def _last_lines(number: int) -> tuple[str, str]:
    origin = {**_ORIGIN, "pod": f"probe-{number}"}
    ledger = Ledger(pod=f"probe-{number}", node="worker-1", address="10.244.1.2", run="run-1")
    return ledger.line(), Past().line(origin)


def test_an_heir_tells_each_in_its_turn_and_hands_on_all() -> None:
    heir = Inherited("probe-9")
    for number in range(3):
        record, past = _last_lines(number)
        assert json.loads(heir.take(record))["by"] == "probe-9"
        assert heir.take(past).startswith('{"past":1,')
        heir.take(record)
    assert (heir.count(RECORD), heir.count(PAST), len(heir.lines)) == (3, 3, 6)
    told = [json.loads(line)["pod"] for _ in range(3) for line in heir.next(RECORD)]
    assert sorted(told) == ["probe-0", "probe-1", "probe-2"]
    second = Inherited("probe-8")
    assert all(second.take(line) for line in heir.lines)
    assert {json.loads(line)["by"] for line in second.lines} == {"probe-8"}


def test_an_heir_keeps_the_latest_and_takes_nothing_else() -> None:
    heir = Inherited("probe-9")
    for number in range(70):
        heir.take(_last_lines(number)[0])
    assert heir.count(RECORD) == 64
    assert json.loads(heir.lines[0])["pod"] == "probe-6"
    for line in ("", "[]", "{}", "null", '{"probe":2,"pod":"a","run":"b"}', '{"probe":1}', "x" * 40_000):
        assert heir.take(line) == ""
    assert heir.next(PAST) == []

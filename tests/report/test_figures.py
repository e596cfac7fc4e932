"""The figures at the top of the page: percentiles, totals, paces, verdicts."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.probe.measured import LATENCY_BOUNDS_MS, FlowTotals, Measurement, Outage, Pause
from scripts.report.figures import (
    Latency,
    Totals,
    by_kind,
    by_networks,
    by_node,
    headline,
    percentile,
    under_way,
)
from scripts.report.model import Report, Turn
from tests.report.samples import clean, hundred, lossy, unmeasured

START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
BUCKETS = len(LATENCY_BOUNDS_MS) + 1


def histogram(**counts: int) -> tuple[int, ...]:
    """Counts by the upper bound of their bucket, as `up_to_5=3`; `beyond` is the last bucket."""
    bounds = {f"up_to_{bound}": number for number, bound in enumerate(LATENCY_BOUNDS_MS)} | {"beyond": BUCKETS - 1}
    found = [0] * BUCKETS
    for name, count in counts.items():
        found[bounds[name]] = count
    return tuple(found)


@pytest.mark.parametrize(
    ("counts", "share", "wanted"),
    [
        (histogram(), 0.5, None),
        (histogram(up_to_1=10), 0.5, Latency(milliseconds=0.5)),
        (histogram(up_to_5=10), 0.5, Latency(milliseconds=3.5)),
        (histogram(up_to_5=10), 1.0, Latency(milliseconds=5)),
        (histogram(up_to_1=99, up_to_1000=1), 0.5, Latency(milliseconds=50 / 99)),
        (histogram(up_to_1=98, up_to_1000=2), 0.99, Latency(milliseconds=750)),
        (histogram(up_to_1=90, beyond=10), 0.99, Latency(milliseconds=2000, beyond=True)),
        (histogram(beyond=1), 0.5, Latency(milliseconds=2000, beyond=True)),
    ],
)
def test_percentiles(counts: tuple[int, ...], share: float, wanted: Latency | None) -> None:
    assert percentile(counts, share) == wanted


@given(st.lists(st.integers(0, 10_000), min_size=BUCKETS, max_size=BUCKETS), st.floats(0.01, 1), st.floats(0.01, 1))
def test_percentiles_grow_with_their_share(counts: list[int], one: float, other: float) -> None:
    low, high = percentile(counts, min(one, other)), percentile(counts, max(one, other))
    if low is None or high is None:
        assert sum(counts) == 0
    else:
        assert 0 <= low.milliseconds <= high.milliseconds <= LATENCY_BOUNDS_MS[-1]
        assert high.beyond or not low.beyond


def flow(**fields: Any) -> FlowTotals:
    return FlowTotals(**{"kind": "pod-http", "source_node": "worker-1", "target_node": "worker-2", **fields})


def measured(*flows: FlowTotals, seconds: float = 100, **fields: Any) -> Measurement:
    return Measurement(start=START, end=START + timedelta(seconds=seconds), probes=2, flows=flows, **fields)


def report(measurement: Measurement | None, *, states: tuple[str, ...] = ("done", "done")) -> Report:
    turns = [Turn.model_validate({"node": f"worker-{n}", "wave": n, "state": s}) for n, s in enumerate(states, start=1)]
    return Report(stack="dev", made=START, made_by="", turns=tuple(turns), measurement=measurement)


def outage(**fields: Any) -> Outage:
    usual = {"kind": "pod-http", "source_node": "worker-1", "source_pod": "a", "start": START, "milliseconds": 400}
    return Outage(**{**usual, **fields})


@pytest.mark.parametrize(
    ("made", "verdict", "said"),
    [
        (report(measured(flow(sent=10))), "clean", "Nothing was lost, all 2 nodes are on Cilium."),
        (report(measured(flow(sent=10, planned=3))), "clean", "Nothing was lost"),
        (report(measured(flow(sent=10, failed=1))), "losses", "1 request lost, all 2 nodes are on Cilium."),
        (report(measured(flow(sent=10)), states=("done", "to do")), "unfinished", "1 of 2 nodes are on Cilium."),
        (report(measured(flow(sent=10), silent=("worker-2",))), "unfinished", "1 probe could not be read"),
        (
            report(measured(flow(sent=10, longest_gap_ms=400), outages=(outage(),))),
            "gaps",
            "Nothing was lost, but a flow stood still for 400 ms; all 2 nodes are on Cilium.",
        ),
        (report(measured(flow(sent=10), outages=(outage(planned="drained"),))), "clean", "Nothing was lost"),
        (report(None), "unmeasured", "All 2 nodes are on Cilium; the losses of the traffic were not measured."),
        (report(None, states=("done",)), "unmeasured", "The only node is on Cilium"),
    ],
)
def test_verdicts(made: Report, verdict: str, said: str) -> None:
    head = headline(made)
    assert head.verdict == verdict
    assert said in head.sentence


def test_the_worst_flow_is_the_one_with_the_longest_gap() -> None:
    made = report(measured(flow(longest_gap_ms=300), flow(kind="dns", target_node="", longest_gap_ms=420)))
    worst = headline(made).worst
    assert worst
    assert (worst.kind, worst.source_node, worst.target_node, worst.milliseconds) == ("dns", "worker-1", "", 420)
    assert headline(report(measured(flow(longest_planned_gap_ms=900)))).worst is None


@pytest.mark.parametrize(("milliseconds", "verdict"), [(180, "clean"), (1001, "unfinished")])
def test_a_probe_that_stood_still_has_not_seen_all(milliseconds: float, verdict: str) -> None:
    pause = Pause(node="worker-1", pod="probe-a", start=START, milliseconds=milliseconds)
    head = headline(report(measured(flow(sent=10), pauses=(pause,))))
    assert head.verdict == verdict
    assert ("1 probe did not run all the time" in head.sentence) is (verdict == "unfinished")


def test_a_flow_between_two_nodes_counts_for_both_and_one_within_a_node_once() -> None:
    flows = (flow(sent=10, failed=2), flow(source_node="worker-1", target_node="worker-1", sent=5, failed=1))
    totals = by_node(report(measured(*flows)))
    assert {node: (one.sent, one.failed) for node, one in totals.items()} == {"worker-1": (15, 3), "worker-2": (10, 2)}


def test_networks_are_told_apart_where_both_ends_are_known() -> None:
    flows = (
        flow(sent=1, source_network="old", target_network="new"),
        flow(sent=2, source_network="new", target_network="old"),
        flow(sent=4, source_network="old", target_network="new"),
        flow(sent=8, source_network="new"),
    )
    totals = by_networks(report(measured(*flows)))
    assert {ways: one.sent for ways, one in totals.items()} == {"old → new": 5, "new → old": 2}


def test_kinds_that_were_not_measured_have_no_totals() -> None:
    totals = by_kind(
        report(measured(flow(kind="dns", sent=1), flow(kind="pod-http", sent=2), flow(kind="dns", sent=4)))
    )
    assert {kind: one.sent for kind, one in totals.items()} == {"pod-http": 2, "dns": 5}
    assert by_kind(report(None)) == {}


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 9), st.floats(0, 9e3)), max_size=20))
def test_totals_add_up(drawn: list[tuple[int, int, float]]) -> None:
    totals = Totals.of([flow(sent=sent, failed=failed, longest_gap_ms=gap) for sent, failed, gap in drawn])
    assert totals.sent == sum(sent for sent, _, _ in drawn)
    assert totals.failed == sum(failed for _, failed, _ in drawn)
    assert totals.longest_gap_ms == max((gap for _, _, gap in drawn), default=0)


def test_what_was_under_way_names_the_outages_own_nodes_first() -> None:
    made = hundred()
    assert made.measurement
    loss = next(one for one in made.measurement.outages if not one.planned and one.kind == "pod-http")
    said = under_way(made, loss)
    assert said[0] == f"{loss.target_node}: agent"
    assert len(said) > 1


def test_the_samples_are_what_they_say() -> None:
    assert [headline(each()).verdict for each in (clean, lossy, hundred, unmeasured)] == [
        "clean",
        "losses",
        "losses",
        "unmeasured",
    ]
    assert len(hundred().turns) == 100

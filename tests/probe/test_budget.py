"""A budget held against a measurement: what breaks it, and in which words."""

from datetime import UTC, datetime, timedelta

from components.probe.budget import Allowance, Budget, broken
from components.probe.measured import FlowTotals, Measurement, Outage, Pause

_START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
_FIRST = datetime(2026, 11, 21, 12, 3, 41, tzinfo=UTC)
_HTTP = Budget(kinds={"pod-http": Allowance(failed=3, gap_ms=1500)})


def _flow(source: int = 2, target: int = 1, *, failed: int = 0, gap: float = 0.0, sent: int = 50) -> FlowTotals:
    return FlowTotals(
        kind="pod-http",
        source_node=f"worker-{source}",
        target_node=f"worker-{target}",
        source_network="new",
        target_network="old",
        sent=sent,
        failed=failed,
        longest_gap_ms=gap,
    )


def _outage(*, start: datetime = _FIRST, planned: str = "") -> Outage:
    return Outage(
        kind="pod-http",
        source_node="worker-2",
        source_pod="probe-2",
        target_node="worker-1",
        source_network="new",
        target_network="old",
        start=start,
        milliseconds=2310,
        planned=planned,
    )


def _measurement(*flows: FlowTotals, outages: tuple[Outage, ...] = (), **fields: object) -> Measurement:
    whole = {"start": _START, "end": _START + timedelta(minutes=5), "probes": 2, "flows": flows, "outages": outages}
    return Measurement.model_validate({**whole, **fields})


def test_a_flow_that_broke_is_one_line() -> None:
    earlier = _outage(start=_FIRST - timedelta(minutes=1), planned="pod probe-1 was being terminated")
    measured = _measurement(
        _flow(failed=14, gap=2310), outages=(earlier, _outage(), _outage(start=_FIRST + timedelta(minutes=1)))
    )
    assert broken(measured, _HTTP) == [
        "worker-2 → worker-1, pod to pod, new→old: 14 of 50 failed, longest gap 2,310 ms, first at 12:03:41"
    ]


def test_failures_are_allowed_to_all_flows_of_a_kind_together() -> None:
    assert broken(_measurement(_flow(1, 2, failed=1), _flow(failed=2)), _HTTP) == []
    lines = broken(_measurement(_flow(1, 2, failed=2), _flow(failed=2), _flow(3)), _HTTP)
    assert [line.split(",")[0] for line in lines] == ["worker-1 → worker-2", "worker-2 → worker-1"]


def test_a_gap_is_allowed_up_to_its_bound_and_the_longest_comes_first() -> None:
    assert broken(_measurement(_flow(gap=1500)), _HTTP) == []
    lines = broken(_measurement(_flow(1, 2, gap=1501), _flow(gap=4000)), _HTTP)
    assert [line.split(",")[0] for line in lines] == ["worker-2 → worker-1", "worker-1 → worker-2"]


def test_planned_failures_cost_nothing() -> None:
    flow = _flow().model_copy(update={"planned": 30, "longest_planned_gap_ms": 9000.0})
    assert broken(_measurement(flow, outages=(_outage(planned="pod probe-1 was deleted"),)), _HTTP) == []


def test_what_was_not_measured_is_not_good() -> None:
    assert broken(_measurement(), _HTTP) == ["no probe has sent anything, so nothing is known"]
    assert broken(_measurement(_flow(), silent=("worker-7",)), _HTTP) == [
        "worker-7: its probe could not be read, so nothing is known of its flows"
    ]
    assert broken(_measurement(_flow(sent=0)), _HTTP) == [
        "worker-2: its probes sent nothing (pod to pod), so nothing is known of that"
    ]


def test_a_probe_that_did_not_run_breaks_the_budget() -> None:
    pauses = (
        Pause(node="worker-1", pod="probe-1", start=_FIRST, milliseconds=2300),
        Pause(node="worker-2", pod="probe-2", start=_FIRST, milliseconds=900),
    )
    assert broken(_measurement(_flow(), pauses=pauses), _HTTP) == [
        "probe probe-1 on worker-1 did not run for 2,300 ms at 12:03:41: what its flows did meanwhile is not known"
    ]

"""The charts' parts, and that they draw exactly the data that there is."""

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scripts.report.charts import matrix, timeline, traffic
from scripts.report.charts.names import short_names
from scripts.report.charts.spans import spans
from tests.report.samples import clean, hundred, lossy, unmeasured

START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
TITLES = re.compile(r"<title>([^<]*)</title>")


def titles(svg: str) -> list[str]:
    return TITLES.findall(svg)


def minutes(start: float, end: float) -> tuple[datetime, datetime]:
    return START + timedelta(minutes=start), START + timedelta(minutes=end)


@pytest.mark.parametrize(
    ("happened", "lengths"),
    [
        ([], []),
        ([minutes(0, 1)], [1]),
        ([minutes(0, 0)], [0]),
        ([minutes(0, 5), minutes(3, 4), minutes(15, 20)], [20]),
        ([minutes(60 * 24, 60 * 24 + 10), minutes(0, 5)], [5, 10]),
        ([minutes(0, 40), minutes(1, 2), minutes(50, 51)], [51]),
    ],
)
def test_pauses_are_left_out(happened: list[tuple[datetime, datetime]], lengths: list[float]) -> None:
    margins = [2 * max(2, 60 * length * 0.02) for length in lengths]
    found = [round((span.seconds - margin) / 60, 3) for span, margin in zip(spans(happened), margins, strict=True)]
    assert found == lengths


@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 500))))
@example([(0, 364), (246, 499), (765, 288)])  # margins of long stretches met
def test_nothing_that_happened_is_outside_the_spans(drawn: list[tuple[int, int]]) -> None:
    happened = [minutes(start, start + length) for start, length in drawn]
    found = spans(happened)
    assert all(any(span.start < start and end < span.end for span in found) for start, end in happened)
    assert all(before.end < after.start for before, after in pairwise(found))


@pytest.mark.parametrize(
    ("nodes", "short"),
    [
        ([], []),
        (["worker-1"], ["worker-1"]),
        (["a.example.com"], ["a.example.com"]),
        (["a.example.com", "b.example.com"], ["a", "b"]),
        (["a.example.com", "b.example.org"], ["a.example.com", "b.example.org"]),
        (["a.example.com", "b"], ["a.example.com", "b"]),
        (["gke-production-europe-west4-default-pool-3f9a2c1d-x7k2"], ["gke-production-europe-we…l-3f9a2c1d-x7k2"]),
        (["x" * 60 + "y" * 60, "x" * 61 + "y" * 59], ["x" * 60 + "y" * 60, "x" * 61 + "y" * 59]),
    ],
)
def test_short_names(nodes: list[str], short: list[str]) -> None:
    assert list(short_names(nodes).values()) == short


@pytest.mark.parametrize(("gap", "wanted"), [(0, 0), (250, 0), (250.1, 1), (500, 1), (1500, 3), (5000, 4), (60_000, 5)])
def test_classes_of_gaps(gap: float, wanted: int) -> None:
    assert matrix.heat_class(gap) == wanted
    assert len(matrix.scale_labels()) == len(matrix.BOUNDS_MS) + 1


@pytest.mark.parametrize("sample", [clean, lossy, hundred])
def test_a_bar_for_each_step_in_its_colour(sample: type) -> None:
    report = sample()
    (span,) = spans(report.happened())
    drawn = timeline.timeline(report, span)
    told = titles(drawn)
    assert len(told) == sum(len(turn.steps) for turn in report.turns)
    turn = report.turns[1]
    assert any(text.startswith(f"{turn.node}, wave 1: agent") for text in told)
    for name in ("drain", "agent", "verify"):
        assert drawn.count(f'fill="var(--step-{name})"') == len(report.turns)
    assert [text.split(":")[0] for text in titles(timeline.phases(report, span))] == [
        f"phase {name}" for name in ("preflight", "secondary", "migrate", "finalize", "cleanup")
    ]


def test_losses_are_drawn_where_there_are_any() -> None:
    for report, there in ((clean(), False), (lossy(), True)):
        (span,) = spans(report.happened())
        drawn = traffic.success(report, span)
        assert ('fill="var(--lost)"' in drawn) is there
        assert any(re.search(r", [1-9]\d* lost", text) for text in titles(drawn)) is there


def test_each_kind_has_its_latency() -> None:
    report = clean()
    (span,) = spans(report.happened())
    drawn = traffic.latencies(report, span)
    assert len(drawn) == 7
    assert all(re.search(r"median [\d.]+ ms, 99 % within", svg) for _, svg in drawn)


def test_a_cell_for_each_pair_and_kind() -> None:
    drawn = matrix.matrices(lossy())
    assert [len(titles(each.svg)) for each in drawn] == [6, 6, 6, 12]
    assert "6,480" in drawn[1].svg
    assert "21 lost" in drawn[1].svg
    strip, pairs = matrix.matrices(hundred())
    assert len(titles(strip.svg)) == 700
    assert len(titles(pairs.svg)) == 1000


def test_a_pod_that_never_answered_and_both_networks_of_a_pair_are_in_the_matrix() -> None:
    report = lossy()
    assert report.measurement
    first = report.measurement.flows[0]
    again = first.model_copy(update={"source_network": "new", "longest_gap_ms": 9000.0})
    never = first.model_copy(update={"target_node": "", "longest_gap_ms": 7000.0})
    flows = (*report.measurement.flows, again, never)
    drawn = matrix.matrices(
        report.model_copy(update={"measurement": report.measurement.model_copy(update={"flows": flows})})
    )
    assert [len(titles(each.svg)) for each in drawn] == [6, 6, 6, 13]
    assert "9,000" in drawn[0].svg
    assert "7,000" in drawn[-1].svg
    assert drawn[-1].title.startswith("services, DNS, API, and pods that never answered")


def test_beyond_what_can_be_read_the_nodes_with_the_longest_gaps_are_shown() -> None:
    report = hundred()
    assert report.measurement
    known = report.measurement.flows
    flows = (*known, *(flow.model_copy(update={"source_node": f"extra-{n}"}) for n, flow in enumerate(known[:300])))
    report = report.model_copy(update={"measurement": report.measurement.model_copy(update={"flows": flows})})
    shown = matrix.shown_nodes(report)
    assert len(shown) == 120
    assert {report.turns[0].node, report.turns[1].node} <= set(shown)


def test_without_a_measurement_nothing_of_it_is_drawn() -> None:
    report = unmeasured()
    (span,) = spans(report.happened())
    assert matrix.matrices(report) == []
    assert traffic.success(report, span) == ""
    assert traffic.latencies(report, span) == []
    assert len(titles(timeline.timeline(report, span))) == len(report.turns[0].steps)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (119.4, "119 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")],
)
def test_durations(seconds: float, said: str) -> None:
    assert timeline.seconds_text(seconds) == said

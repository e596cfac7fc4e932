"""The terminal's view of a reading, and waves derived from the nodes alone."""

import re
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from components.operations.turn_annotations import TurnStep
from scripts.report.turns import Marked, Told
from scripts.watch.reading import Reading
from scripts.watch.view import draw, failing, farewell, line, waves
from stacks.strategies import DEFAULT, Milestone
from tests.report.samples import clean, lossy

START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def mark(step: TurnStep | None, since: float = 0) -> Marked:
    return Marked(step=step, since=at(since) if step else None, by="maria@bastion-1" if step else "")


def told(node: str, seconds: float, reason: str, message: str = "step 2 of 7") -> Told:
    return Told(node=node, at=at(seconds), reason=f"Migration{reason}", message=message)


def reading(marks: dict[str, Marked], *events: Told, **fields: Any) -> Reading:
    usual: dict[str, Any] = {
        "at": at(100), "milestone": Milestone.NODES_MOVE, "source": "Flannel", "runs": "maria@bastion-1/77",
        "pods_left": {},
    }  # fmt: skip
    return Reading(**{**usual, "marks": marks, "told": events, **fields})


def shown(view: Reading, *, width: int = 140, **more: Any) -> str:
    console = Console(file=StringIO(), width=width, force_terminal=False)
    console.print(draw(view, **more))
    return str(console.file.getvalue())  # type: ignore[attr-defined]


DONE, BUSY = TurnStep.MIGRATED, TurnStep.DRAINING


@pytest.mark.parametrize(
    ("spells", "wanted"),
    [
        ({}, []),
        ({"a": (0, 40, DONE)}, [["a"]]),
        ({"a": (0, 40, DONE), "b": (40, 80, DONE), "c": (None, None, None)}, [["a"], ["b"]]),
        ({"a": (0, 40, DONE), "b": (50, 90, DONE), "c": (50, 51, BUSY)}, [["a"], ["b", "c"]]),
        ({"a": (0, 40, DONE), "b": (1, 30, DONE), "c": (35, 60, DONE)}, [["a", "b", "c"]]),
        ({"a": (None, 40, DONE), "b": (None, 90, DONE)}, [["a"], ["b"]]),
    ],
)
def test_waves_are_the_turns_that_overlap(spells: dict[str, tuple[Any, Any, Any]], wanted: list[list[str]]) -> None:
    marks = {node: mark(step, since or 0) for node, (_, since, step) in spells.items()}
    events = [told(node, began, "Cordon") for node, (began, _, _) in spells.items() if began is not None]
    assert waves(reading(marks, *events)) == wanted


@given(st.lists(st.tuples(st.integers(0, 90), st.integers(1, 50)), max_size=12))
def test_each_node_that_was_touched_is_in_one_wave(drawn: list[tuple[int, int]]) -> None:
    marks = {f"worker-{n}": mark(DONE, start + took) for n, (start, took) in enumerate(drawn)}
    events = [told(f"worker-{n}", start, "Cordon") for n, (start, _) in enumerate(drawn)]
    found = waves(reading(marks, *events))
    assert sorted(node for wave in found for node in wave) == sorted(marks)


def test_a_turn_under_way_is_shown_with_what_is_left() -> None:
    marks = {"worker-1": mark(DONE, 50), "worker-2": mark(BUSY, 88), "worker-3": mark(None)}
    view = reading(
        marks, told("worker-1", 2, "Cordon"), told("worker-1", 50, "Done", "migrated"), told("worker-2", 87, "Cordon"),
        told("worker-2", 88, "Drain", "3 pods to evict"), pods_left={"worker-2": 3},
    )  # fmt: skip
    text = shown(view)
    assert "1 of 3 nodes on Cilium, 2 waves so far" in text
    row = next(row for row in text.splitlines() if row.strip().startswith("worker-2"))
    assert row.split() == ["worker-2", "1", "drain", "12", "s", "3", "3", "pods", "to", "evict"]
    assert "run by maria@bastion-1/77" in text
    assert "✓ secondary" in text
    assert "● migrate" in text
    assert "· cleanup" in text


def test_a_node_on_its_way_back_and_one_that_failed_are_told_apart() -> None:
    marks = {"worker-1": mark(TurnStep.RETURNING, 90), "worker-2": mark(BUSY, 60)}
    text = shown(reading(marks, told("worker-2", 70, "Failed", "[1 of 3] pods could not be evicted")))
    assert "back: returning" in text
    assert "[1 of 3] pods could not be evicted" in text


def test_silence_of_the_cluster_is_said_after_a_moment() -> None:
    assert "has not answered" not in shown(reading({}), silent_seconds=2)
    assert "has not answered for 12 s" in shown(reading({}), silent_seconds=12)


def test_flows_with_losses_are_shown_the_newest_first() -> None:
    measured = lossy().measurement
    assert measured
    assert [flow.failed for _, flow in failing(measured)] == [2, 3, 21, 14]
    text = shown(reading({}), measured=measured)
    assert re.search(r"pod-full +worker-1 +worker-2 +09:0\d:\d\d +21 of [\d,]+ +6,480 ms", text)
    assert "no flow has lost anything" in shown(reading({}), measured=clean().measurement)


def test_each_kind_is_shown_with_what_was_sent_and_lost() -> None:
    measured = lossy().measurement
    assert measured
    text = shown(reading({}), measured=measured)
    for kind, failed, gap in (("pod-http", 14, "2,310"), ("dns", 2, "1,520"), ("api", 0, "0")):
        assert re.search(rf"^ {kind} +[\d,]+ +{failed} +{gap} ms *$", text, re.MULTILINE), text
    quiet = measured.model_copy(update={"silent": tuple(f"worker-{number}" for number in range(6))})
    assert "not read: the probes of worker-0, worker-1, worker-2, worker-3 and 2 more" in shown(
        reading({}), measured=quiet
    )


def test_why_no_flow_is_shown_is_one_line() -> None:
    said = "no probe runs in namespace cni-live-migration: " + "`pulumi up` in phase preflight brings it; " * 9
    text = shown(reading({}), untold=said, width=100)
    assert sum("flows: no probe runs" in row for row in text.splitlines()) == 1
    assert max(map(len, text.splitlines())) <= 100
    assert len(text.splitlines()) == len(shown(reading({}), width=100).splitlines()) + 2


def test_a_wide_wave_fits_a_terminal() -> None:
    marks = {f"worker-{n:03}": mark(BUSY, 60) for n in range(100)}
    text = shown(reading(marks, *(told(node, 61, "Drain") for node in marks)), width=100)
    assert "and 85 more" in text
    assert len(text.splitlines()) < 40
    assert max(map(len, text.splitlines())) <= 100


def test_a_line_is_one_line() -> None:
    said = line(told("worker-1", 5, "Failed", "node worker-1 stays cordoned:\n  pod a/b: held\n"))
    assert said == "09:00:05 worker-1 failed: node worker-1 stays cordoned: pod a/b: held"


@pytest.mark.parametrize(
    ("until", "fields", "ended"),
    [
        (Milestone.NODES_MOVE, {}, True),
        (Milestone.NODES_MOVE, {"runs": "maria"}, False),
        (Milestone.OLD_NETWORK_GONE, {}, False),
        (Milestone.OLD_NETWORK_GONE, {"milestone": Milestone.OLD_NETWORK_GONE}, True),
        (Milestone.NODES_MOVE, {"milestone": None}, False),
        (Milestone.NODES_MOVE, {"marks": {}}, False),
        (Milestone.NODES_MOVE, {"marks": {"worker-1": mark(DONE), "worker-2": mark(None)}}, False),
        (Milestone.BEFORE_CILIUM, {"marks": {"worker-1": mark(DONE), "worker-2": mark(BUSY)}}, False),
    ],
)
def test_the_end(until: Milestone, fields: dict[str, Any], ended: bool) -> None:
    view = reading(**{"marks": {"worker-1": mark(DONE)}, "runs": "", **fields})
    assert view.has_reached(DEFAULT.first_at(until)) is ended


def test_the_farewell_counts_losses_only_where_they_were_measured() -> None:
    view = reading({"worker-1": mark(DONE)})
    assert farewell(view, measured=None) == "1 of 1 nodes are on Cilium, phase migrate is complete"
    assert farewell(view, measured=lossy().measurement).endswith("; 40 requests lost")

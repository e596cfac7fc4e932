"""The reader against files as killed clients leave them, and the rules by which a loss is explained."""

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.lab.workloads.explanations import Explanations, Outage
from scripts.lab.workloads.pod.records import Counts, Event, EventKind, Flow, FlowKind, Journal, Origin
from scripts.lab.workloads.recording import Happening, Recording, read
from scripts.lab.workloads.report import Report

WEB = Flow(kind="service-http", target="web", address="10.0.0.1", peer="web-0", peer_node="worker-1")
AGENT = Flow(kind="pod-http", target="agent", address="10.244.1.2", peer="agent-a", peer_node="worker-1")
NOON = 1_795_262_400.0


def _origin(run: str = "first") -> Origin:
    return Origin(client="short-client", pod="short-client-0", node="worker-2", run=run)


def _write(folder: Path, sent: list[int], *, run: str) -> None:
    journal = Journal(folder / "short-client-0.jsonl", origin=_origin(run))
    total = 0
    for one in sent:
        total += one
        counts = Counts(serial=0, flow=WEB, sent=total, succeeded=total, failed=0, interval_ms=100, gap_ms=100)
        journal.summary([counts])
    journal.close()


_COUNTS = st.lists(st.integers(min_value=0, max_value=20), max_size=8)


@settings(deadline=None, max_examples=60)
@given(first=_COUNTS, second=_COUNTS, torn=st.integers(min_value=0, max_value=400))
def test_a_torn_line_costs_only_itself(first: list[int], second: list[int], torn: int) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        _write(folder, first, run="first")
        path = folder / "short-client-0.jsonl"
        kept = path.read_bytes()[: max(0, path.stat().st_size - torn)]
        path.write_bytes(kept)
        _write(folder, second, run="second")
        recording = read(folder)
    lines, tail = kept.count(b"\n"), kept.rpartition(b"\n")[2]
    # A line that lacks nothing but its end of line is whole.
    whole = lines + (1 if tail.endswith(b"}]}") else 0)
    assert recording.unreadable == (1 if tail and whole == lines else 0)
    assert sum(one.sent for one in recording.increments) == sum(first[:whole]) + sum(second)


@settings(deadline=None, max_examples=60)
@given(sent=_COUNTS, cut=st.floats(min_value=-1, max_value=1))
def test_two_windows_hold_what_the_whole_holds(sent: list[int], cut: float) -> None:
    with TemporaryDirectory() as name:
        _write(Path(name), sent, run="only")
        report = Report(read(Path(name)))
    moment = datetime.fromtimestamp(datetime.now(UTC).timestamp() + cut / 1000, UTC)
    begin, end = datetime.fromtimestamp(0, UTC), datetime.fromtimestamp(2 * NOON, UTC)
    parts = [report.between(begin, moment).totals(), report.between(moment, end).totals()]
    assert sum(part.of("service-http").sent for part in parts) == report.totals().of("service-http").sent == sum(sent)


@settings(deadline=None)
@given(garbage=st.binary(max_size=300))
def test_garbage_is_counted_and_never_raises(garbage: bytes) -> None:
    with TemporaryDirectory() as name:
        (Path(name) / "garbage.jsonl").write_bytes(garbage)
        recording = read(Path(name))
    assert not recording.increments
    assert not recording.happenings
    assert recording.unreadable == sum(1 for line in garbage.split(b"\n") if line.strip())


def _happened(kind: EventKind, flow: Flow, *, after: float, milliseconds: float = 0.0) -> Happening:
    event = Event(kind=kind, flow=flow, reason="refused", milliseconds=milliseconds)
    return Happening(wall=NOON + after, origin=_origin(), event=event)


@pytest.mark.parametrize(
    ("notice", "after", "explained"),
    [
        ("terminating", -1.0, True),
        ("terminating", -5.0, False),
        ("terminating", 20.0, True),
        ("terminating", 40.0, False),
        ("gone", -9.0, True),
        ("gone", -11.0, False),
        ("gone", 9.0, True),
        ("gone", 11.0, False),
    ],
)
def test_a_notice_explains_only_what_is_near(notice: EventKind, after: float, *, explained: bool) -> None:
    known = Explanations([_happened(notice, AGENT, after=0)])
    assert bool(known.of_failure(AGENT, at=NOON + after)) is explained


def test_the_word_of_a_pod_counts_more_than_its_vanished_address() -> None:
    known = Explanations([_happened("terminating", AGENT, after=0), _happened("gone", AGENT, after=3)])
    assert known.of_failure(AGENT, at=NOON - 5) == ""
    assert known.of_failure(AGENT, at=NOON + 5) != ""


@pytest.mark.parametrize("kind", ["service-http", "echo-service", "dns"])
def test_a_service_has_no_excuse(kind: FlowKind) -> None:
    flow = Flow(kind=kind, target="web", address=AGENT.address, peer=AGENT.peer, peer_node=AGENT.peer_node)
    outage = Outage(node="worker-1", start=datetime.fromtimestamp(0, UTC), end=datetime.fromtimestamp(2 * NOON, UTC))
    known = Explanations([_happened("terminating", AGENT, after=0)], [outage])
    assert known.of_failure(flow, at=NOON) == ""


def test_a_restarted_node_explains_its_pods() -> None:
    outage = Outage(
        node="worker-1", start=datetime.fromtimestamp(NOON, UTC), end=datetime.fromtimestamp(NOON + 60, UTC)
    )
    known = Explanations([], [outage])
    assert known.of_failure(AGENT, at=NOON + 30) == "node worker-1 was being restarted"
    assert known.of_failure(AGENT, at=NOON + 61) == ""


@pytest.mark.parametrize(("gap_ms", "explained"), [(900.0, True), (1500.0, True), (1700.0, False)])
def test_a_server_that_did_not_run_explains_a_gap_of_its_size(gap_ms: float, *, explained: bool) -> None:
    known = Explanations([_happened("peer-paused", WEB, after=0, milliseconds=800)])
    assert bool(known.of_gap(WEB, at=NOON + 0.1, milliseconds=gap_ms)) is explained
    assert known.of_failure(WEB, at=NOON + 0.1) == ""


def test_a_loss_is_told_in_one_line_that_names_both_ends() -> None:
    happenings = [_happened("failure", AGENT, after=after) for after in (0.12, 0.22, 0.32)]
    alone = Report(Recording(happenings=happenings, increments=[], unreadable=0))
    assert alone.explain() == [
        "12:00:00.120 short-client on worker-2 → agent on worker-1 (pod-http): "
        "refused, 3 times until 12:00:00.320; unexplained"
    ]
    told = [*happenings[:1], _happened("terminating", AGENT, after=0.5)]
    assert Report(Recording(happenings=told, increments=[], unreadable=0)).explain() == [
        "12:00:00.120 short-client on worker-2 → agent on worker-1 (pod-http): refused; the pod was being terminated"
    ]

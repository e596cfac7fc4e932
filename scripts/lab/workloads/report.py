"""Totals of the traffic's losses, and one explanatory line for each loss."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, Field

from scripts.lab.workloads.explanations import Explanations, Outage
from scripts.lab.workloads.pod.flows import GAP_WORTH_TELLING_SECONDS
from scripts.lab.workloads.pod.records import EventKind, Flow, FlowKind
from scripts.lab.workloads.recording import Happening, Increment, Recording

_TOLD: tuple[EventKind, ...] = ("failure", "broken", "closed", "slow", "gap", "paused")
_SAME_TROUBLE_SECONDS = 4.0  # longer than a request's limit, so that one outage is one line


class KindTotals(BaseModel):
    """Totals of the flows of one kind; for echo flows `sent` counts beats, `failed` attempts to connect.

    Counts of failures and breaks include explained ones; each gap is in only one of the two gap fields.
    """

    sent: int = 0
    succeeded: int = 0
    failed: int = 0
    failed_explained: int = 0
    slow: int = 0
    broken: int = 0
    broken_explained: int = 0
    closed_as_planned: int = 0
    longest_gap_ms: float = 0.0
    longest_explained_gap_ms: float = 0.0

    @property
    def lost(self) -> int:
        """Unplanned failures and breaks."""
        return self.failed - self.failed_explained + self.broken - self.broken_explained


class Totals(BaseModel):
    """Totals of all clients. `pauses` are times in which a client itself did not run."""

    kinds: dict[FlowKind, KindTotals] = Field(default_factory=dict)
    causes: dict[str, int] = Field(default_factory=dict)
    first_loss: datetime | None = None
    pauses: int = 0
    longest_pause_ms: float = 0.0
    unreadable_lines: int = 0

    @property
    def lost(self) -> int:
        """Unplanned failures and breaks."""
        return sum(kind.lost for kind in self.kinds.values())

    def of(self, kind: FlowKind) -> KindTotals:
        """The totals of one kind, created on first use."""
        return self.kinds.setdefault(kind, KindTotals())


class Report:
    """Queries on one recording: all of it, or from `start` up to but not at `end`."""

    def __init__(
        self,
        recording: Recording,
        *,
        outages: Iterable[Outage] = (),
        start: datetime | None = None,
        end: datetime | None = None,
        known: Explanations | None = None,
    ) -> None:
        self._recording = recording
        self._start = start.timestamp() if start else float("-inf")
        self._end = end.timestamp() if end else float("inf")
        # A window uses all explanations, as a pod's end may be known only after the window.
        self._known = known or Explanations(recording.happenings, outages)

    def between(self, start: datetime, end: datetime) -> "Report":
        """The same for a time window, such as one node's turn."""
        return Report(self._recording, start=start, end=end, known=self._known)

    def per_minute(self) -> Iterator[tuple[datetime, Totals]]:
        """The totals of each minute in which anything was recorded."""
        minutes = {one.wall // 60 for one in self._increments()} | {one.wall // 60 for one in self._happenings()}
        for minute in sorted(minutes):
            start = datetime.fromtimestamp(minute * 60, UTC)
            yield start, self.between(start, start + timedelta(minutes=1)).totals()

    def _increments(self) -> Iterator[Increment]:
        return (one for one in self._recording.increments if self._start <= one.wall < self._end)

    def _happenings(self) -> Iterator[Happening]:
        return (one for one in self._recording.happenings if self._start <= one.wall < self._end)

    def totals(self) -> Totals:
        """The totals of everything."""
        totals = Totals(unreadable_lines=self._recording.unreadable)
        causes: Counter[str] = Counter()
        for increment in self._increments():
            self._add_increment(increment, totals.of(increment.kind))
        for happening in self._happenings():
            event = happening.event
            if event.kind == "paused":
                totals.pauses += 1
                totals.longest_pause_ms = max(totals.longest_pause_ms, event.milliseconds)
            elif event.flow:
                lost_before = totals.of(event.flow.kind).lost
                self._add_happening(happening, event.flow, totals.of(event.flow.kind))
                if totals.of(event.flow.kind).lost > lost_before:
                    causes[event.reason] += 1
                    totals.first_loss = totals.first_loss or datetime.fromtimestamp(happening.wall, UTC)
        totals.causes = dict(causes.most_common())
        return totals

    def _add_increment(self, increment: Increment, kind: KindTotals) -> None:
        kind.sent += increment.sent
        kind.succeeded += increment.succeeded
        gap = increment.gap_ms
        worth_explaining = gap > GAP_WORTH_TELLING_SECONDS * 1000
        if worth_explaining and self._known.of_gap(increment.flow, at=increment.wall, milliseconds=gap):
            kind.longest_explained_gap_ms = max(kind.longest_explained_gap_ms, gap)
        else:
            kind.longest_gap_ms = max(kind.longest_gap_ms, gap)

    def _add_happening(self, happening: Happening, flow: Flow, kind: KindTotals) -> None:
        explained = bool(self._known.of_failure(flow, at=happening.wall))
        match happening.event.kind:
            case "failure":
                kind.failed += 1
                kind.failed_explained += explained
            case "broken":
                kind.broken += 1
                kind.broken_explained += explained
            case "closed":
                kind.closed_as_planned += 1
            case "slow":
                kind.slow += 1

    def explain(self) -> list[str]:
        """One line for each failure in order of time; repeated failures of one flow are merged into one line."""
        groups: list[list[Happening]] = []
        latest: dict[tuple[object, ...], list[Happening]] = {}
        for happening in self._happenings():
            event = happening.event
            if event.kind not in _TOLD:
                continue
            same = (happening.origin, event.kind, event.reason, event.flow, self._verdict(happening))
            group = latest.get(same)
            if group is None or happening.wall - group[-1].wall > _SAME_TROUBLE_SECONDS:
                group = latest[same] = []
                groups.append(group)
            group.append(happening)
        return [self._tell(group) for group in groups]

    def _tell(self, group: list[Happening]) -> str:
        first, last = group[0], group[-1]
        event, origin = first.event, first.origin
        text = f"{_clock(first.wall)} {origin.client} on {origin.node}"
        if event.flow is None:
            return f"{text} itself did not run for {event.milliseconds:.0f} ms"
        text = f"{text} → {_peer(event.flow)} ({event.flow.kind}): {_trouble(first)}"
        if len(group) > 1:
            text += f", {len(group)} times until {_clock(last.wall)}"
        return f"{text}; {self._verdict(first)}"

    def _verdict(self, happening: Happening) -> str:
        event = happening.event
        if event.flow is None:
            return ""
        if event.kind == "closed":
            return "planned"
        if event.kind in ("gap", "slow"):
            why = self._known.of_gap(event.flow, at=happening.wall, milliseconds=event.milliseconds)
        else:
            why = self._known.of_failure(event.flow, at=happening.wall)
        return why or "unexplained"


def _clock(wall: float) -> str:
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds")[11:23]


def _peer(flow: Flow) -> str:
    if flow.kind in ("pod-http", "echo-pod"):
        return f"{flow.target} on {flow.peer_node or 'an unknown node'}"
    return flow.target


def _trouble(happening: Happening) -> str:
    event = happening.event
    match event.kind:
        case "slow":
            return f"slow, {event.milliseconds:.0f} ms"
        case "gap":
            return f"no success for {event.milliseconds:.0f} ms"
        case "broken":
            return f"connection broken, {event.reason}"
        case "closed":
            return f"connection closed, {event.reason}"
        case _:
            return event.reason

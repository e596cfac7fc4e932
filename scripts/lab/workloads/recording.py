"""Reads the records of all clients from their files, including those of killed clients."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from scripts.lab.paths import lab_folder
from scripts.lab.workloads.pod.records import Counts, Event, Flow, FlowKind, Line, Origin

_LINE = TypeAdapter(Line)


@dataclass(frozen=True, kw_only=True)
class Happening:
    """An event with its Unix time and the client that saw it."""

    wall: float
    origin: Origin
    event: Event


@dataclass(frozen=True, kw_only=True)
class Increment:
    """The counts of one flow between two summaries; `gap_ms` is the longest time without a success until `wall`."""

    wall: float
    origin: Origin
    flow: Flow
    sent: int
    succeeded: int
    failed: int
    gap_ms: float

    @property
    def kind(self) -> FlowKind:
        """The kind of the flow."""
        return self.flow.kind


@dataclass(frozen=True, kw_only=True)
class Recording:
    """All records of the clients, in order of time. `unreadable` counts incomplete lines."""

    happenings: list[Happening]
    increments: list[Increment]
    unreadable: int


def lab_records() -> list[Path]:
    """The folders to which this checkout's lab nodes write."""
    return sorted(lab_folder().glob("nodes/*/log/traffic"))


def _lines(path: Path) -> Iterator[Line | None]:
    with path.open("rb") as file:
        for raw in file:
            if raw.strip():
                try:
                    yield _LINE.validate_json(raw)
                except ValidationError:
                    yield None


def _increments(line: Line, latest: dict[int, Counts]) -> Iterator[Increment]:
    for counts in line.summary or ():
        before = latest.get(counts.serial)
        latest[counts.serial] = counts
        yield Increment(
            wall=line.wall,
            origin=line.origin,
            flow=counts.flow,
            sent=counts.sent - (before.sent if before else 0),
            succeeded=counts.succeeded - (before.succeeded if before else 0),
            failed=counts.failed - (before.failed if before else 0),
            gap_ms=counts.gap_ms,
        )


def read(*folders: Path) -> Recording:
    """Read every `.jsonl` file below the folders; an incomplete line is counted and skipped."""
    happenings: list[Happening] = []
    increments: list[Increment] = []
    unreadable = 0
    latest: dict[str, dict[int, Counts]] = {}
    for path in sorted(path for folder in folders for path in folder.rglob("*.jsonl")):
        for line in _lines(path):
            if line is None:
                unreadable += 1
                continue
            increments.extend(_increments(line, latest.setdefault(line.origin.run, {})))
            if line.event:
                happenings.append(Happening(wall=line.wall, origin=line.origin, event=line.event))
    return Recording(
        happenings=sorted(happenings, key=lambda one: one.wall),
        increments=sorted(increments, key=lambda one: one.wall),
        unreadable=unreadable,
    )

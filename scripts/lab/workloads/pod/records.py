"""The records of the traffic: what one line of a `.jsonl` file says, and the file that is appended to."""

import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

FlowKind = Literal["service-http", "pod-http", "dns", "echo-service", "echo-pod"]
EventKind = Literal[
    "started", "stopped", "failure", "slow", "broken", "closed", "gap", "terminating", "gone", "paused", "peer-paused"
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Flow:
    """Who is talked to. `address` is the Service's or the pod's; `peer` and `peer_node` are as last answered."""

    kind: FlowKind
    target: str
    address: str
    peer: str = ""
    peer_node: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Who measured. `run` tells two processes of one pod apart: the counts of each start at zero."""

    client: str
    pod: str
    node: str
    run: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """What one flow did since it began; only `gap_ms` is about the time since the previous summary.

    `serial` tells the flows of a run apart: one to an address that went and came back begins again at zero.
    A request, a lookup or an echo beat is one `sent`. `gap_ms` is the longest time without a success, an
    unfinished one included, less the time in which the client itself did not run.
    """

    serial: int
    flow: Flow
    sent: int
    succeeded: int
    failed: int
    interval_ms: float
    gap_ms: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One thing that happened, written at once; `milliseconds` is how long it took, where that means anything."""

    kind: EventKind
    flow: Flow | None = None
    reason: str = ""
    milliseconds: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One line: either an event or a summary of all flows. `wall` is seconds since 1970, `monotonic` of the host."""

    wall: float
    monotonic: float
    origin: Origin
    event: Event | None = None
    summary: list[Counts] | None = None


class Journal:
    """Appends lines to one file, each by a single write, so that a killed process leaves at most one torn line."""

    def __init__(self, path: Path, *, origin: Origin) -> None:
        self._origin = origin
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        if os.fstat(self._file).st_size:
            os.write(self._file, b"\n")  # a predecessor that was killed may have left half a line

    def event(self, event: Event) -> None:
        """Write one event."""
        self._write(event=event)

    def summary(self, counts: list[Counts]) -> None:
        """Write the counts of all flows."""
        self._write(summary=counts)

    def _write(self, *, event: Event | None = None, summary: list[Counts] | None = None) -> None:
        line = Line(
            wall=round(time.time(), 4),
            monotonic=round(time.monotonic(), 4),
            origin=self._origin,
            event=event,
            summary=summary,
        )
        fields = {name: value for name, value in asdict(line).items() if value is not None}
        os.write(self._file, json.dumps(fields, separators=(",", ":")).encode() + b"\n")

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

"""Records of the traffic: the data of one line of a `.jsonl` file, and a writer that appends to the file."""

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
    """The target of a flow. `address` is the Service's or the pod's; `peer` and `peer_node` are of the last answer."""

    kind: FlowKind
    target: str
    address: str
    peer: str = ""
    peer_node: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """The client that measured. `run` identifies the process, as the counts of each process start at zero."""

    client: str
    pod: str
    node: str
    run: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """The counts of one flow since it began; only `gap_ms` is for the time since the previous summary.

    `serial` identifies a flow of the run: a flow to an address that disappeared and came back starts at zero.
    A request, a lookup or an echo beat is one `sent`. `gap_ms` is the longest time without a success, also
    one that has not ended, less the time in which the client itself did not run.
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
    """One event, written at once; `milliseconds` is its duration, if it has one."""

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
            os.write(self._file, b"\n")  # a killed predecessor may have left half a line

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

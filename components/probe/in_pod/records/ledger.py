"""Counts of this process's flows since its start, which only grow, and the latest outages."""

from __future__ import annotations

import json
import time
from bisect import bisect_left
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from ..cost import memory_bytes, processor_seconds

# As in components/probe/measured.py, which cannot be imported in a pod; a test holds the two together.
LATENCY_BOUNDS_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)
OUTAGE_BOUNDS_SECONDS = (0.15, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
OUTCOMES = ("answered", "failed", "planned")
_OUTAGES_KEPT = 40
_PAUSES_KEPT = 20
_ROWS_KEPT = 60
_NAMES_KEPT = 40
LONGEST_LINE_BYTES = 15_000  # container runtimes split lines of 16 KiB


def wall(monotonic: float) -> float:
    """A moment of the monotonic clock as seconds since 1970."""
    return time.time() - (time.monotonic() - monotonic)


@dataclass
class Row:
    """Counts of one kind of flow to one address; gaps in milliseconds."""

    kind: str
    to: str
    sent: int = 0
    failed: int = 0
    planned: int = 0
    gap: float = 0.0
    planned_gap: float = 0.0
    latency: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_BOUNDS_MS) + 1))
    latency_sum_ms: float = 0.0
    touched: float = 0.0
    settled: tuple[int, ...] = (0, 0, 0)

    @property
    def outcomes(self) -> tuple[int, ...]:
        """The number of attempts for each of OUTCOMES."""
        return sum(self.latency), self.failed, self.planned

    def answered(self, seconds: float) -> None:
        """Count the latency of an answer."""
        milliseconds = seconds * 1000
        self.latency[bisect_left(LATENCY_BOUNDS_MS, milliseconds)] += 1
        self.latency_sum_ms += milliseconds

    def add(self, other: Row) -> None:
        """Add another row's counts."""
        self.sent += other.sent
        self.failed += other.failed
        self.planned += other.planned
        self.gap = max(self.gap, other.gap)
        self.planned_gap = max(self.planned_gap, other.planned_gap)
        self.latency = [mine + its for mine, its in zip(self.latency, other.latency)]
        self.latency_sum_ms += other.latency_sum_ms

    def told(self) -> dict[str, Any]:
        """As the record has it, without what is zero."""
        said: dict[str, Any] = {"kind": self.kind, "to": self.to, "sent": self.sent}
        rest = {
            "failed": self.failed,
            "planned": self.planned,
            "gap": round(self.gap, 1),
            "planned_gap": round(self.planned_gap, 1),
        }
        said.update({name: value for name, value in rest.items() if value})
        said["latency"] = self.latency
        return said


@dataclass
class Trouble:
    """A time without a success in one flow; `planned` is empty for a loss, `lost` is the direction of lost packets.

    `there` is from this pod to the other, `back` is the answers' direction. `owed` are failures not yet counted in the
    row, `blamed` those already counted as lost: counts only grow, so if an explanation comes late, the reader subtracts
    these.
    """

    kind: str
    to: str
    start: float
    ms: float = 0.0
    sent: int = 0
    failed: int = 0
    owed: int = 0
    blamed: int = 0
    why: str = ""
    planned: str = ""
    lost: str = ""
    peer: str = ""
    open: bool = True

    def told(self) -> dict[str, Any]:
        """As the record has it, without what is empty."""
        said = {key: value for key, value in self.__dict__.items() if value}
        return {**said, "start": round(self.start, 3), "ms": round(self.ms, 1)}


class Ledger:
    """All counts, and the line that reports them."""

    def __init__(self, *, pod: str, node: str, address: str, run: str) -> None:
        self.origin = {"pod": pod, "node": node, "ip": address, "run": run}
        self.since = time.time()
        self.rows: dict[tuple[str, str], Row] = {}
        self.names: dict[str, tuple[str, str]] = {}
        self.outages: deque[Trouble] = deque(maxlen=_OUTAGES_KEPT)
        self.pauses: deque[tuple[float, float]] = deque(maxlen=_PAUSES_KEPT)
        self.pause_count = 0
        self.pause_ms = 0.0
        self.terminating = 0.0
        self.outage_seconds: dict[tuple[str, str], list[float]] = {}
        self._attempts: dict[tuple[str, str], list[int]] = {}
        self._number = 0

    def row(self, kind: str, to: str) -> Row:
        """The row of one kind of flow to one address, created on first use."""
        row = self.rows.get((kind, to))
        if row is None:
            if len(self.rows) >= _ROWS_KEPT:
                self._fold()
            row = self.rows[kind, to] = Row(kind=kind, to=to)
        row.touched = time.monotonic()
        return row

    def _fold(self) -> None:
        """Make room: merge the least recently used row into the one of its kind without address."""
        oldest = min((row for row in self.rows.values() if row.to), key=lambda row: row.touched)
        self._settle()
        del self.rows[oldest.kind, oldest.to]
        rest = self.rows.setdefault((oldest.kind, ""), Row(kind=oldest.kind, to=""))
        rest.add(oldest)
        rest.settled = rest.outcomes

    def target_node(self, kind: str, to: str) -> str:
        """The node of a flow's target pod, if known; empty for targets other than one pod."""
        return self.names.get(to, ("", ""))[1] if kind.startswith("pod-") else ""

    def _settle(self) -> None:
        """Add the rows' new counts to the totals of their present target nodes.

        An address can get another pod, and a row can be merged: a sum over rows would then fall for one node and jump
        for another, which a scraper takes for a restart and for new failures.
        """
        for row in self.rows.values():
            counts = self._attempts.setdefault((row.kind, self.target_node(row.kind, row.to)), [0] * len(OUTCOMES))
            for index, (now, before) in enumerate(zip(row.outcomes, row.settled)):
                counts[index] += now - before
            row.settled = row.outcomes

    def attempts(self) -> list[tuple[str, str, list[int]]]:
        """(kind, target node, the number of attempts for each of OUTCOMES), which only grow."""
        self._settle()
        return [(kind, node, counts) for (kind, node), counts in sorted(self._attempts.items())]

    def met(self, address: str, *, pod: str, node: str) -> None:
        """Record the pod that answers at an address."""
        if self.names.get(address) != (pod, node):
            self._settle()
            self.names.pop(address, None)
            while len(self.names) >= _NAMES_KEPT:
                del self.names[next(iter(self.names))]
            self.names[address] = (pod, node)

    def paused(self, began: float, seconds: float) -> None:
        """Record a pause of this process."""
        self.pauses.append((wall(began), seconds * 1000))
        self.pause_count += 1
        self.pause_ms += seconds * 1000

    def opened(self, trouble: Trouble) -> Trouble:
        """Record the beginning of an outage."""
        self.outages.append(trouble)
        return trouble

    def closed(self, trouble: Trouble, row: Row) -> None:
        """Record the end of an outage; its length is final."""
        trouble.open = False
        if trouble.planned:
            row.planned += trouble.owed
            row.planned_gap = max(row.planned_gap, trouble.ms)
        else:
            row.failed += trouble.owed
            row.gap = max(row.gap, trouble.ms)
        trouble.owed = 0
        counts = self.outage_seconds.setdefault(
            (trouble.kind, "planned" if trouble.planned else "lost"), [0.0] * (len(OUTAGE_BOUNDS_SECONDS) + 2)
        )
        counts[bisect_left(OUTAGE_BOUNDS_SECONDS, trouble.ms / 1000)] += 1
        counts[-1] += trouble.ms / 1000

    def withdraw(self, trouble: Trouble) -> None:
        """Remove an outage that turned out to be none."""
        if trouble in self.outages:
            self.outages.remove(trouble)

    def line(self, *, inherited: int = 0, inherited_pasts: int = 0, final: bool = False) -> str:
        """The record as one line of JSON; any later one supersedes it."""
        self._number += 1
        used = [row for row in self.rows.values() if row.sent]
        kept = {row.to for row in used} | {each.to for each in self.outages}
        record: dict[str, Any] = {
            "probe": 1,
            **self.origin,
            "number": self._number,
            "since": round(self.since, 3),
            "at": round(time.time(), 3),
            "flows": [row.told() for row in used],
            "names": {address: list(names) for address, names in self.names.items() if address in kept},
            "outages": [each.told() for each in self.outages],
            "pauses": [[round(start, 3), round(ms, 1)] for start, ms in self.pauses],
            "pause_count": self.pause_count,
            "pause_ms": round(self.pause_ms, 1),
            "cpu": round(processor_seconds(), 2),
            "memory": memory_bytes(),
        }
        if inherited:
            record["inherited"] = inherited
        if inherited_pasts:
            record["inherited_pasts"] = inherited_pasts
        if self.terminating:
            record["terminating"] = round(self.terminating, 3)
        if final:
            record["final"] = True
        text = json.dumps(record, separators=(",", ":"))
        while len(text) > LONGEST_LINE_BYTES and record["outages"]:
            del record["outages"][: max(1, len(record["outages"]) // 4)]
            record["dropped_outages"] = True
            text = json.dumps(record, separators=(",", ":"))
        return text

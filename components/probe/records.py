"""Reads the lines that probes print: records, of which each run's latest replaces all before, and pasts."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from components.probe.in_pod.records.validation import read_past, read_record
from components.probe.measured import Network

Key = tuple[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One line: all counts of one run of a probe at the moment `at`, in seconds since 1970.

    `by` is the pod that printed it, if that inherited the record; `inherited` and `old_pasts` are the numbers of
    inherited records and pasts that the pod prints.
    """

    pod: str
    node: str
    address: str
    run: str
    number: int
    since: float
    at: float
    flows: list[dict[str, Any]]
    names: dict[str, list[str]]
    outages: list[dict[str, Any]]
    pauses: list[list[float]]
    terminating: float = 0.0
    final: bool = False
    by: str = ""
    inherited: int = 0
    old_pasts: int = 0
    processor_seconds: float = 0.0
    memory_bytes: int = 0

    @property
    def key(self) -> Key:
        """The identity of its run, which counts once, whichever pods print it."""
        return self.pod, self.run

    @classmethod
    def read(cls, line: str) -> "Record | None":
        """The result of reading a line of a probe's log; None for any other or truncated line."""
        if not line.startswith('{"probe":1,'):
            return None
        said = read_record(line)
        return (
            None
            if said is None
            else cls(
                pod=said["pod"],
                node=said["node"],
                address=said["ip"],
                run=said["run"],
                number=said["number"],
                since=said["since"],
                at=said["at"],
                flows=said["flows"],
                names=said["names"],
                outages=said["outages"],
                pauses=said["pauses"],
                terminating=said.get("terminating", 0.0),
                final=bool(said.get("final")),
                by=said.get("by", ""),
                inherited=said.get("inherited", 0),
                old_pasts=said.get("inherited_pasts", 0),
                processor_seconds=said.get("cpu", 0.0),
                memory_bytes=said.get("memory", 0),
            )
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Past:
    """Counts over time of one run of a probe: by interval (of `seconds`, numbered since 1970) and by kind.

    The counts are sent, failed, planned, and the answers by bucket of their latency.
    """

    pod: str
    run: str
    seconds: float
    moments: dict[int, dict[str, list[int]]]
    by: str = ""

    @classmethod
    def read(cls, line: str) -> "Past | None":
        """The result of reading a line of a probe's log; None for any other or truncated line."""
        if not line.startswith('{"past":1,'):
            return None
        said = read_past(line)
        return (
            None
            if said is None
            else cls(
                pod=said["pod"],
                run=said["run"],
                seconds=said["seconds"],
                moments=said["counts"],
                by=said.get("by", ""),
            )
        )

    @property
    def extent(self) -> int:
        """A number that grows with every later line of the same run."""
        return sum(counts[0] for kinds in self.moments.values() for counts in kinds.values())


@dataclass
class Reading:
    """The records read of all probes; with `keep_all` also earlier ones of each run, with `pasts` also the pasts."""

    keep_all: bool = False
    with_pasts: bool = False
    latest: dict[Key, Record] = field(default_factory=dict)
    history: dict[Key, dict[int, Record]] = field(default_factory=dict)
    pasts: dict[Key, Past] = field(default_factory=dict)

    def add(self, lines: Iterable[str]) -> None:
        """Add lines of one pod's log, in any order; the same line may be added again."""
        for line in lines:
            if record := Record.read(line):
                known = self.latest.get(record.key)
                if known is None or record.number >= known.number:
                    self.latest[record.key] = record
                if self.keep_all:
                    self.history.setdefault(record.key, {})[record.number] = record
            elif self.with_pasts and (past := Past.read(line)):
                before = self.pasts.get((past.pod, past.run))
                if before is None or past.extent >= before.extent:
                    self.pasts[past.pod, past.run] = past

    def missing_inherited(self, pod: str) -> int:
        """The number of inherited records, and of pasts if wanted, that the pod announces and that were not read."""
        own = max((each for each in self.latest.values() if each.pod == pod), key=lambda each: each.at, default=None)
        if own is None:
            return 0
        records = own.inherited - sum(each.by == pod for each in self.latest.values())
        pasts = own.old_pasts - sum(each.by == pod for each in self.pasts.values()) if self.with_pasts else 0
        return max(0, records) + max(0, pasts)


@dataclass(frozen=True, kw_only=True)
class Networks:
    """The address ranges of the pods of the old and the new CNI."""

    old: tuple[str, ...] = ()
    new: tuple[str, ...] = ()

    def of(self, address: str) -> Network:
        """The network of a pod's address; empty if it is of neither."""
        return _network(address, self.old, self.new) if address else ""


@lru_cache(maxsize=65536)
def _network(address: str, old: tuple[str, ...], new: tuple[str, ...]) -> Network:
    number = ipaddress.ip_address(address)
    if any(number in ipaddress.ip_network(block) for block in new):
        return "new"
    return "old" if any(number in ipaddress.ip_network(block) for block in old) else ""

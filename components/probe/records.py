"""The lines that the probes write, read back: one record a run of a process, the latest one standing for all before."""

import ipaddress
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Any

from components.probe.measured import Network

Key = tuple[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One line: everything that one run of a probe had counted by the moment `at`, in seconds since 1970.

    `by` is the pod that told it, where that is an heir; `heirlooms` is how many inherited records that pod tells.
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
    heirlooms: int = 0

    @property
    def key(self) -> Key:
        """Which run it is of: whoever tells it, it counts once."""
        return self.pod, self.run

    @classmethod
    def read(cls, line: str) -> "Record | None":
        """From a line of a probe's log; None for any other or torn line."""
        if not line.startswith('{"probe":1,'):
            return None
        try:
            said = json.loads(line)
            return cls(
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
                heirlooms=said.get("inherited", 0),
            )
        except (ValueError, KeyError, TypeError):
            return None


@dataclass
class Reading:
    """What was read of all probes; with `keep_all` also the earlier records of each run, for a timeline."""

    keep_all: bool = False
    latest: dict[Key, Record] = field(default_factory=dict)
    history: dict[Key, dict[int, Record]] = field(default_factory=dict)

    def add(self, lines: Iterable[str]) -> None:
        """Take in lines of one pod's log, in any order and as often as one likes."""
        for record in filter(None, map(Record.read, lines)):
            known = self.latest.get(record.key)
            if known is None or record.number >= known.number:
                self.latest[record.key] = record
            if self.keep_all:
                self.history.setdefault(record.key, {})[record.number] = record

    def missing_heirlooms(self, pod: str) -> int:
        """How many inherited records the pod tells of that were not among its lines."""
        own = max((each for each in self.latest.values() if each.pod == pod), key=lambda each: each.at, default=None)
        if own is None:
            return 0
        return max(0, own.heirlooms - sum(each.by == pod for each in self.latest.values()))

    def steps(self) -> Iterator[tuple[Record, Record]]:
        """Each record with the next one of the same run that was read."""
        for records in self.history.values():
            numbers = sorted(records)
            for before, after in pairwise(numbers):
                yield records[before], records[after]


@dataclass(frozen=True, kw_only=True)
class Networks:
    """The address ranges of the pods of the old and the new CNI."""

    old: tuple[str, ...] = ()
    new: tuple[str, ...] = ()

    def of(self, address: str) -> Network:
        """Which network a pod's address is of; empty if neither."""
        return _network(address, self.old, self.new) if address else ""


@lru_cache(maxsize=65536)
def _network(address: str, old: tuple[str, ...], new: tuple[str, ...]) -> Network:
    number = ipaddress.ip_address(address)
    if any(number in ipaddress.ip_network(block) for block in new):
        return "new"
    return "old" if any(number in ipaddress.ip_network(block) for block in old) else ""

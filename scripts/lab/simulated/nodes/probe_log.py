"""Simulated logs of the probe's pods: records as the real probe writes them, with outages where packets would be lost.

A probe's counts are computed from its running time and its rates; a flow that is broken when the log is read is an
outage from then on.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from components import probe
from components.probe.in_pod.records.counts_over_time import Past
from components.probe.in_pod.records.ledger import LATENCY_BOUNDS_MS, Row
from scripts.lab.simulated.networks.flows import Flows
from scripts.lab.simulated.world import Life, World

_EVERY_SECONDS = 2.0
_MOST_LINES = 60
_RECORDS_A_PAST = 15
_NEIGHBOURS = 3
_OUTAGES_KEPT = 40
_PER_SECOND = {
    "pod-echo": 20.0,
    "pod-full": 5.0,
    "pod-http": 0.6,
    "service-echo": 20.0,
    "service-http": 1.0,
    "dns": 6.7,
    "api": 0.2,
}
_SHARES = (0.0, 0.1, 0.75, 0.13, 0.02)  # shares of the answers, by latency bucket


@dataclass(frozen=True, kw_only=True)
class _Broken:
    since: float
    why: str


def is_probe(life: Life) -> bool:
    """True if it is a pod of the probe."""
    return life.labels.get("app.kubernetes.io/name") == probe.NAME


def _latency(answers: int) -> list[int]:
    counts = [int(answers * share) for share in _SHARES]
    counts[2] += answers - sum(counts)
    return counts + [0] * (len(LATENCY_BOUNDS_MS) + 1 - len(counts))


class ProbeLogs:
    """Generates the log of a pod on request."""

    def __init__(self, world: World, flows: Flows) -> None:
        self._world = world
        self._flows = flows
        self._broken: dict[tuple[str, str], _Broken] = {}
        self._over: dict[str, list[dict[str, Any]]] = {}
        self._found: list[Life] = []
        self._places: dict[str, int] = {}
        self._found_at = 0.0

    def text(self, life: Life, *, lines: int) -> str:
        """The last lines of its log."""
        now = time.time()
        since = datetime.fromisoformat(life.pod["metadata"]["creationTimestamp"]).timestamp()
        last = int(max(0.0, now - since) / _EVERY_SECONDS)
        peers = self._peers(life)
        self._look(life, peers, now)
        numbers = range(max(1, last - min(lines, _MOST_LINES) + 1), last + 1)
        told = []
        for number in numbers:
            told.append(self._line(life, peers, since=since, number=number))
            if number % _RECORDS_A_PAST == 1:
                told.append(self._past(life, peers, since=since, number=number))
        return "".join(f"{line}\n" for line in told[-lines:])

    def _peers(self, life: Life) -> list[Life]:
        if time.monotonic() - self._found_at > _EVERY_SECONDS:
            lives = self._world.lives.values()
            self._found = [each for each in lives if is_probe(each) and each.ready and each.address]
            self._places = {each.uid: place for place, each in enumerate(self._found)}
            self._found_at = time.monotonic()
        place = self._places.get(life.uid, 0)
        ring = self._found[place + 1 :] + self._found[:place]
        return ring[:_NEIGHBOURS]

    def _look(self, life: Life, peers: list[Life], now: float) -> None:
        for peer in peers:
            key = (life.uid, peer.address)
            why = self._flows.path_fault(life, peer)
            if why and key not in self._broken:
                self._broken[key] = _Broken(since=now, why=why)
            elif not why and (gone := self._broken.pop(key, None)):
                over = [*self._over.get(life.uid, []), *self._outages(peer, gone, until=now, open_=False)]
                self._over[life.uid] = over[-_OUTAGES_KEPT:]

    def _outages(self, peer: Life, broken: _Broken, *, until: float, open_: bool) -> Iterator[dict[str, object]]:
        seconds = max(0.0, until - broken.since)
        for kind in ("pod-echo", "pod-http"):
            sent = int(seconds * _PER_SECOND[kind])
            yield {
                "kind": kind,
                "to": peer.address,
                "start": round(broken.since, 3),
                "ms": round(seconds * 1000, 1),
                "sent": sent,
                "failed": sent,
                "why": broken.why,
                "open": open_,
            }

    def _line(self, life: Life, peers: list[Life], *, since: float, number: int) -> str:
        seconds = number * _EVERY_SECONDS
        outages = list(self._over.get(life.uid, []))
        for peer in peers:
            if broken := self._broken.get((life.uid, peer.address)):
                outages += self._outages(peer, broken, until=since + seconds, open_=True)
        record = {
            "probe": 1,
            **self._origin(life),
            "number": number,
            "since": round(since, 3),
            "at": round(since + seconds, 3),
            "flows": [self._row(kind, to, seconds, outages) for kind, to in self._rows(peers)],
            "names": {peer.address: [peer.name, peer.node] for peer in peers},
            "outages": outages,
            "pauses": [],
            "pause_count": 0,
            "pause_ms": 0.0,
        }
        return json.dumps(record, separators=(",", ":"))

    @staticmethod
    def _origin(life: Life) -> dict[str, str]:
        return {"pod": life.name, "node": life.node, "ip": life.address, "run": f"{life.uid[:8]}-{life.runs}"}

    @staticmethod
    def _rows(peers: list[Life]) -> list[tuple[str, str]]:
        rows = [(kind, peer.address) for peer in peers for kind in ("pod-echo", "pod-full", "pod-http")]
        return [*rows, ("service-echo", "service"), ("service-http", "service"), ("dns", "dns"), ("api", "api")]

    def _past(self, life: Life, peers: list[Life], *, since: float, number: int) -> str:
        past, outages = Past(), self._over.get(life.uid, [])
        until = number * _EVERY_SECONDS
        seconds = 0.0
        while seconds < until:
            seconds = min(until, seconds + past.seconds)
            told = [self._row(kind, to, seconds, outages) for kind, to in self._rows(peers)]
            past.take([Row(**each) for each in told], at=since + seconds)
        return past.line(self._origin(life))

    @staticmethod
    def _row(kind: str, to: str, seconds: float, outages: list[dict[str, Any]]) -> dict[str, Any]:
        sent = int(seconds * _PER_SECOND[kind])
        mine = [each for each in outages if (each["kind"], each["to"]) == (kind, to)]
        failed = min(sent, sum(int(str(each["failed"])) for each in mine))
        row: dict[str, Any] = {"kind": kind, "to": to, "sent": sent, "latency": _latency(sent - failed)}
        if mine:
            row["failed"] = failed
            row["gap"] = max(float(str(each["ms"])) for each in mine)
        return row

"""Classifies outages as planned or lost, from the records of both endpoints."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from components.probe.records import Record

_MOMENT_SECONDS = 0.001
_CLOCKS_SECONDS = 1.0  # two nodes' clocks may differ so much
_TERMINATING, _VANISHED, _PAUSED = "terminating", "vanished", "paused"


@dataclass(frozen=True, kw_only=True)
class Restart:
    """A time in which a node was down on purpose, in seconds since 1970."""

    node: str
    start: float
    end: float


def _share(start: float, end: float, *, of: tuple[float, float]) -> float:
    """The fraction of a time that `of` covers; for a single moment, such as a connection's end, 0 or 1."""
    start, end = start - _CLOCKS_SECONDS, end + _CLOCKS_SECONDS
    if of[1] - of[0] < _MOMENT_SECONDS:
        return float(start <= of[0] <= end)
    return max(0.0, min(end, of[1]) - max(start, of[0])) / (of[1] - of[0])


class Explanations:
    """The terminations and pauses that all probes recorded of themselves."""

    def __init__(self, records: Iterable[Record], restarts: Iterable[Restart] = ()) -> None:
        self._ends: dict[str, tuple[str, float]] = {}
        self._pauses: dict[str, list[tuple[str, float, float]]] = defaultdict(list)
        self._restarts: dict[str, list[Restart]] = defaultdict(list)
        for record in records:
            if record.terminating:
                self._ends[record.address] = (record.pod, record.terminating)
            for start, milliseconds in record.pauses:
                self._pauses[record.pod].append((record.pod, start, start + milliseconds / 1000))
        self._all_pauses = [pause for pauses in self._pauses.values() for pause in pauses]
        for restart in restarts:
            self._restarts[restart.node].append(restart)

    def planned(self, outage: Mapping[str, Any], *, source: Record, pod: str, node: str) -> str:
        """The planned cause of an outage to a pod on a node (names may be empty if unknown); empty for a loss."""
        kind, said = str(outage["kind"]), str(outage.get("planned", ""))
        start = float(outage["start"])
        time = (start, start + float(outage.get("ms", 0)) / 1000)
        for name in (node, source.node):
            if any(_share(restart.start, restart.end, of=time) > 0.5 for restart in self._restarts.get(name, [])):
                return f"node {name} was being restarted"
        if kind.startswith("pod-"):
            known = self._ends.get(str(outage["to"]))
            # An address may have been another pod's before.
            if known and (not pod or known[0] == pod) and time[1] > known[1] - _CLOCKS_SECONDS:
                if start > known[1] - _CLOCKS_SECONDS:
                    return f"pod {known[0]} was being terminated"
                if said == _VANISHED:
                    said = ""  # it was unreachable before it was asked to end
        if said == _TERMINATING:
            return f"pod {pod or outage['to']} was being terminated"
        if said == _VANISHED:
            return f"pod {pod or outage['to']} was deleted"
        if said == _PAUSED:
            return str(outage.get("why") or "the other process did not run")
        others = self._pauses.get(pod, []) if pod else []
        if kind.startswith("service-"):
            others = self._pauses.get(str(outage.get("peer", "")), []) or self._all_pauses
        for name, began, ended in [*others, *self._pauses.get(source.pod, [])]:
            if ended - began >= (time[1] - time[0]) / 2 and _share(began, ended, of=time) > 0.5:
                return f"the process of probe {name} did not run for {(ended - began) * 1000:,.0f} ms"
        return ""

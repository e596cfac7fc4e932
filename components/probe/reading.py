"""Makes one Measurement from the records of all probes, in total or since an earlier reading."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from components.probe.explanations import Explanations, Restart
from components.probe.measured import LATENCY_BOUNDS_MS, Cost, FlowTotals, Measurement, Network, Outage, Pause
from components.probe.records import Key, Networks, Reading, Record
from components.probe.timeline import timeline

_SAME_GAP_MS = 0.2
_JUDGED_SECONDS = 30.0  # at the latest after its end
_BUCKETS = len(LATENCY_BOUNDS_MS) + 1
_FlowKey = tuple[str, str, str, Network, Network]


@dataclass(slots=True)
class _Sum:
    sent: int = 0
    failed: int = 0
    planned: int = 0
    gap: float = 0.0
    planned_gap: float = 0.0
    latency: list[int] = field(default_factory=lambda: [0] * _BUCKETS)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _identity(outage: Mapping[str, Any]) -> tuple[str, str, float]:
    return outage["kind"], outage["to"], outage["start"]


def _rows(record: Record | None) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["kind"], row["to"]): row for row in record.flows} if record else {}


class _Measuring:
    def __init__(
        self, reading: Reading, *, since: Reading | None, networks: Networks, restarts: Iterable[Restart]
    ) -> None:
        self._records = list(reading.latest.values())
        self._before = since.latest if since else {}
        self._networks = networks
        self._known = Explanations(self._records, restarts)
        self._whose = {record.address: (record.pod, record.node) for record in self._records if record.address}
        self.sums: dict[_FlowKey, _Sum] = defaultdict(_Sum)
        self.outages: list[Outage] = []
        self.excused: list[Outage] = []
        self.pauses: list[Pause] = []
        for record in self._records:
            self._take(record, self._before.get(record.key))

    def _target(self, record: Record, kind: str, address: str) -> tuple[str, str, Network]:
        """(pod, node, network) of the other end; all empty for a target without a node."""
        if not kind.startswith("pod-"):
            return "", "", ""
        pod, node = record.names.get(address) or self._whose.get(address, ("", ""))
        return pod, node, self._networks.of(address)

    def _take(self, record: Record, before: Record | None) -> None:
        began = before.at if before else 0.0
        over = {_identity(each) for each in before.outages if not each.get("open")} if before else set()
        source_network = self._networks.of(record.address)
        listed: dict[tuple[str, str], list[tuple[dict[str, Any], str]]] = defaultdict(list)
        for outage in record.outages:
            # An outage that ended before that moment may have been judged after it: then its failures count now.
            ended = outage["start"] + outage.get("ms", 0) / 1000
            if _identity(outage) in over or ended <= began - _JUDGED_SECONDS:
                continue
            pod, node, network = self._target(record, outage["kind"], outage["to"])
            planned = self._known.planned(outage, source=record, pod=pod, node=node)
            listed[outage["kind"], outage["to"]].append((outage, planned))
            found = Outage(
                kind=outage["kind"],
                source_node=record.node,
                source_pod=record.pod,
                target_node=node,
                target_pod=pod or outage.get("peer", ""),
                source_network=source_network,
                target_network=network,
                start=_moment(outage["start"]),
                milliseconds=outage.get("ms", 0.0),
                sent=outage.get("sent", 0),
                failed=outage.get("failed", 0),
                reason=outage.get("why", ""),
                planned=planned,
                lost=outage.get("lost", ""),
            )
            self.outages.append(found)
            if planned and not outage.get("planned"):
                self.excused.append(found)
        old_rows = _rows(before)
        for key, row in _rows(record).items():
            _, node, network = self._target(record, *key)
            flow = (key[0], record.node, node, source_network, network)
            self._add(self.sums[flow], row, old_rows.get(key, {}), listed.get(key, []))
        for start, milliseconds in record.pauses:
            if start + milliseconds / 1000 > began:
                self.pauses.append(
                    Pause(node=record.node, pod=record.pod, start=_moment(start), milliseconds=milliseconds)
                )

    @staticmethod
    def _add(
        into: _Sum, row: Mapping[str, Any], old: Mapping[str, Any], listed: Sequence[tuple[dict[str, Any], str]]
    ) -> None:
        into.sent += row["sent"] - old.get("sent", 0)
        failed = row.get("failed", 0) - old.get("failed", 0)
        planned = row.get("planned", 0) - old.get("planned", 0)
        gaps = {True: [0.0], False: [0.0]}
        excused = set()
        for outage, why in listed:
            gaps[bool(why)].append(outage.get("ms", 0.0))
            # The probe counted it by its own view; the other end's record may show another cause.
            counted = outage.get("failed", 0) - outage.get("owed", 0)
            failed += 0 if why else outage.get("owed", 0)
            planned += outage.get("owed", 0) if why else 0
            blamed = outage.get("blamed", 0)
            if bool(why) != bool(outage.get("planned")):
                moved = min(counted, failed) if why else -min(counted - blamed, planned)
                failed, planned = failed - moved, planned + moved
                excused.add(round(outage.get("ms", 0.0), 1))
            elif why:
                # Counted as lost while nothing explained it yet.
                moved = min(blamed, failed)
                failed, planned = failed - moved, planned + moved
        for name, is_planned in (("gap", False), ("planned_gap", True)):
            longest = row.get(name, 0.0)
            if longest > old.get(name, 0.0) and not any(abs(longest - each) < _SAME_GAP_MS for each in excused):
                gaps[is_planned].append(longest)
        into.failed += failed
        into.planned += planned
        into.gap = max(into.gap, *gaps[False])
        into.planned_gap = max(into.planned_gap, *gaps[True])
        into.latency = [
            total + new - gone
            for total, new, gone in zip(into.latency, row["latency"], old.get("latency", [0] * _BUCKETS), strict=True)
        ]


def _cost(records: Iterable[Record], before: Mapping[Key, Record], *, seconds: float) -> Cost | None:
    """The cost of the node with the highest; a deleted pod counts for the node that it was on."""
    spent: dict[str, float] = defaultdict(float)
    memory: dict[str, int] = defaultdict(int)
    for record in records:
        earlier = before.get(record.key)
        spent[record.node] += record.processor_seconds - (earlier.processor_seconds if earlier else 0.0)
        memory[record.node] += 0 if record.final else record.memory_bytes
    dearest = max(spent, key=lambda node: spent[node], default="")
    if not spent.get(dearest) or seconds <= 0:
        return None
    return Cost(node=dearest, millicores=round(1000 * spent[dearest] / seconds, 1), memory_bytes=max(memory.values()))


def measure(
    reading: Reading,
    *,
    networks: Networks,
    since: Reading | None = None,
    silent: Iterable[str] = (),
    restarts: Iterable[Restart] = (),
) -> Measurement:
    """The measurement since the probes started, or since an earlier reading; `silent` are nodes not read.

    It has a timeline if the reading has pasts.
    """
    measuring = _Measuring(reading, since=since, networks=networks, restarts=restarts)
    records = reading.latest.values()
    end = max((record.at for record in records), default=0.0)
    before = since.latest if since else {}
    # Runs that ended long ago do not extend the time of the measurement.
    over = {key for key, record in before.items() if key in reading.latest and record.at == reading.latest[key].at}
    looking = [record for record in records if not record.final and record.key not in over] or list(records)
    start = min((before[each.key].at if each.key in before else each.since for each in looking), default=end)
    flows = [
        FlowTotals.model_validate(
            {
                "kind": kind,
                "source_node": source,
                "target_node": target,
                "source_network": source_network,
                "target_network": target_network,
                "sent": each.sent,
                "failed": each.failed,
                "planned": each.planned,
                "longest_gap_ms": each.gap,
                "longest_planned_gap_ms": each.planned_gap,
                "latency": each.latency,
            }
        )
        for (kind, source, target, source_network, target_network), each in sorted(measuring.sums.items())
        if each.sent or each.failed or each.planned
    ]
    return Measurement(
        start=_moment(start),
        end=_moment(end),
        probes=len(records),
        silent=tuple(sorted(silent)),
        flows=tuple(flows),
        outages=tuple(sorted(measuring.outages, key=lambda outage: outage.start)),
        pauses=tuple(sorted(measuring.pauses, key=lambda pause: pause.start)),
        timeline=timeline(reading.pasts.values(), since=start if since else 0.0, excused=measuring.excused),
        cost=_cost(records, before, seconds=end - start),
    )

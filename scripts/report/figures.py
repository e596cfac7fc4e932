"""Key figures of the report: totals, percentiles and the verdict."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

from pydantic import computed_field

from components.probe.measured import LATENCY_BOUNDS_MS, FlowTotals, Measurement, Moment, Outage
from scripts.report.model import Part, Report, Turn
from stacks.flows import FlowKind

KINDS: tuple[FlowKind, ...] = get_args(FlowKind)
# Beats on long-lived connections; everything else is a request with its own connection, or a name lookup.
ECHO_KINDS: tuple[FlowKind, ...] = ("pod-echo", "service-echo")
PAIR_KINDS: tuple[FlowKind, ...] = ("pod-http", "pod-full", "pod-echo")
NETWORKS = ("old → old", "old → new", "new → old", "new → new")
PAUSE_WORTH_TELLING_MS = 1000
Verdict = Literal["clean", "gaps", "losses", "unfinished", "unmeasured"]


@dataclass(frozen=True, kw_only=True)
class Latency:
    """A percentile in milliseconds; `beyond` means somewhere above the last bound."""

    milliseconds: float
    beyond: bool = False


def percentile(counts: Sequence[int], share: float) -> Latency | None:
    """The latency below which `share` of all lie, interpolated within a bucket; None if nothing was counted."""
    total = sum(counts)
    if not total:
        return None
    wanted, seen = share * total, 0
    for (lower, upper), count in zip(pairwise((0, *LATENCY_BOUNDS_MS)), counts, strict=False):
        if count and seen + count >= wanted:
            return Latency(milliseconds=lower + (upper - lower) * (wanted - seen) / count)
        seen += count
    return Latency(milliseconds=LATENCY_BOUNDS_MS[-1], beyond=True)


def added(histograms: Iterable[Sequence[int]]) -> tuple[int, ...]:
    """The sum of histograms with the same buckets."""
    return tuple(sum(column) for column in zip((0,) * (len(LATENCY_BOUNDS_MS) + 1), *histograms, strict=False))


class Totals(Part):
    """Totals of a set of flows; gaps in milliseconds."""

    sent: int = 0
    failed: int = 0
    planned: int = 0
    longest_gap_ms: float = 0.0
    longest_planned_gap_ms: float = 0.0
    latency: tuple[int, ...] = ()

    @classmethod
    def of(cls, flows: Iterable[FlowTotals | Moment]) -> "Totals":
        """The sum of flows or moments; moments have no gaps."""
        flows = list(flows)
        gaps = [flow for flow in flows if isinstance(flow, FlowTotals)]
        return cls(
            sent=sum(flow.sent for flow in flows),
            failed=sum(flow.failed for flow in flows),
            planned=sum(flow.planned for flow in flows),
            longest_gap_ms=max((flow.longest_gap_ms for flow in gaps), default=0.0),
            longest_planned_gap_ms=max((flow.longest_planned_gap_ms for flow in gaps), default=0.0),
            latency=added(flow.latency for flow in flows),
        )

    @property
    def success(self) -> float | None:
        """The share of attempts that were neither lost nor ended as planned; None if nothing was sent."""
        return (self.sent - self.failed - self.planned) / self.sent if self.sent else None

    def latency_at(self, share: float) -> Latency | None:
        """A percentile of its latency."""
        return percentile(self.latency, share)


class Worst(Part):
    """The flow with the longest unplanned gap."""

    kind: FlowKind
    source_node: str
    target_node: str
    milliseconds: float


class Headline(Part):
    """Key figures of a migration; those of the traffic are None if nothing was measured."""

    verdict: Verdict
    nodes: int
    nodes_done: int
    seconds: float | None = None
    requests: int | None = None
    echo_beats: int | None = None
    failed: int | None = None
    planned: int | None = None
    worst: Worst | None = None
    silent: tuple[str, ...] = ()
    paused: tuple[str, ...] = ()

    @computed_field  # type: ignore[prop-decorator]
    @property
    def sentence(self) -> str:
        """The verdict in words."""
        moved = f"{self.nodes_done} of {self.nodes} nodes are on Cilium"
        if self.nodes_done == self.nodes and self.nodes:
            moved = "the only node is on Cilium" if self.nodes == 1 else f"all {self.nodes} nodes are on Cilium"
        if self.failed is None:
            return f"{_capital(moved)}; the losses of the traffic were not measured."
        lost = "nothing was lost" if not self.failed else f"{counted(self.failed, 'request')} lost"
        if self.worst and not self.failed:
            lost = f"nothing was lost, but a flow stood still for {self.worst.milliseconds:,.0f} ms"
        unseen = [counted(len(self.silent), "probe") + " could not be read"] if self.silent else []
        unseen += [counted(len(self.paused), "probe") + " did not run all the time"] if self.paused else []
        tail = f" Not all was seen: {', '.join(unseen)}." if unseen else ""
        return f"{_capital(lost)}{'; ' if self.worst and not self.failed else ', '}{moved}.{tail}"


def counted(number: int, noun: str) -> str:
    """`1 request`, `2,310 requests`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _verdict(report: Report) -> Verdict:
    measured = report.measurement
    if measured is None:
        return "unmeasured"
    if any(flow.failed for flow in measured.flows):
        return "losses"
    if any(flow.longest_gap_ms for flow in measured.flows):
        return "gaps"
    all_done = bool(report.turns) and len(report.done) == len(report.turns)
    return "clean" if all_done and not measured.silent and not _paused(measured) else "unfinished"


def _paused(measured: Measurement) -> tuple[str, ...]:
    """The nodes whose probes paused for long enough to miss something."""
    return tuple(sorted({pause.node for pause in measured.pauses if pause.milliseconds > PAUSE_WORTH_TELLING_MS}))


def headline(report: Report) -> Headline:
    """The key figures at the top of the page."""
    times = list(report.happened())
    seconds = (max(end for _, end in times) - min(start for start, _ in times)).total_seconds() if times else None
    base = Headline(
        verdict=_verdict(report), nodes=len(report.turns), nodes_done=len(report.done), seconds=seconds
    )  # fmt: skip
    if report.measurement is None:
        return base
    flows = report.measurement.flows
    longest = max(flows, key=lambda flow: flow.longest_gap_ms, default=None)
    return base.model_copy(
        update={
            "requests": sum(flow.sent for flow in flows if flow.kind not in ECHO_KINDS),
            "echo_beats": sum(flow.sent for flow in flows if flow.kind in ECHO_KINDS),
            "failed": sum(flow.failed for flow in flows),
            "planned": sum(flow.planned for flow in flows),
            "worst": Worst(
                kind=longest.kind, source_node=longest.source_node, target_node=longest.target_node,
                milliseconds=longest.longest_gap_ms,
            )
            if longest and longest.longest_gap_ms
            else None,
            "silent": report.measurement.silent,
            "paused": _paused(report.measurement),
        }
    )  # fmt: skip


def by_kind(report: Report) -> dict[FlowKind, Totals]:
    """The totals of each measured kind, in the standard order."""
    flows = report.measurement.flows if report.measurement else ()
    return {kind: Totals.of(flow for flow in flows if flow.kind == kind) for kind in KINDS if _any(kind, flows)}


def _any(kind: FlowKind, flows: Iterable[FlowTotals]) -> bool:
    return any(flow.kind == kind for flow in flows)


def by_networks(report: Report) -> dict[str, Totals]:
    """The totals by the networks of both ends, such as old to new, as far as both are known."""
    ends: dict[str, list[FlowTotals]] = {}
    for flow in report.measurement.flows if report.measurement else ():
        if flow.source_network and flow.target_network:
            ends.setdefault(f"{flow.source_network} → {flow.target_network}", []).append(flow)
    return {ways: Totals.of(ends[ways]) for ways in NETWORKS if ways in ends}


def by_node(report: Report) -> dict[str, Totals]:
    """The totals of each node's flows; a flow between two nodes counts for both."""
    ends: dict[str, list[FlowTotals]] = {}
    for flow in report.measurement.flows if report.measurement else ():
        for node in {flow.source_node, flow.target_node} - {""}:
            ends.setdefault(node, []).append(flow)
    return {node: Totals.of(flows) for node, flows in ends.items()}


def under_way(report: Report, outage: Outage) -> list[str]:
    """The steps under way when the outage began, as `worker-1: agent`; those of the flow's own nodes first."""
    own = (outage.source_node, outage.target_node)
    turns = sorted(report.turns, key=lambda turn: turn.node not in own)
    return [f"{turn.node}: {name}" for turn in turns if (name := _step_at(turn, outage))]


def _step_at(turn: Turn, outage: Outage) -> str:
    return next((step.name for step in turn.steps if step.start <= outage.start < step.end), "")

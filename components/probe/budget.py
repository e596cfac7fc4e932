"""A budget of failed attempts and gaps, and its comparison with a measurement: one line for each broken limit."""

from collections import defaultdict
from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict, Field

from components.probe.measured import FlowTotals, Measurement, Outage
from stacks.flows import FlowKind

WORDS: dict[FlowKind, str] = {
    "pod-http": "pod to pod",
    "pod-full": "pod to pod, full-size packets",
    "pod-echo": "pod to pod, long connection",
    "service-http": "pod to Service",
    "service-echo": "pod to Service, long connection",
    "dns": "name lookups",
    "api": "API server",
}
_PLACES: dict[FlowKind, str] = {
    "service-http": "the Service",
    "service-echo": "the Service",
    "dns": "the name server",
    "api": "the API server",
}
_LONG_ENOUGH_SECONDS = 30.0
_Key = tuple[str, str, str, str, str]


class Allowance(BaseModel):
    """The limits of one kind of flow: failed attempts of all flows together, and the longest gap of any, in ms."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    failed: int = Field(default=0, ge=0)
    gap_ms: float = Field(default=0.0, ge=0)


class Budget(BaseModel):
    """The limits of a change. Kinds that are not in `kinds` are not judged; gaps of planned ends never count.

    A probe that did not run for longer than `pause_ms` breaks the budget too, as nothing was measured meanwhile.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kinds: dict[FlowKind, Allowance]
    pause_ms: float = Field(default=1000.0, ge=0)

    @property
    def text(self) -> str:
        """The budget in one line, for the stack's outputs, of which the engine prints each field in a line."""
        kinds = [f"{kind} {each.failed} lost {each.gap_ms:g} ms" for kind, each in sorted(self.kinds.items())]
        return "; ".join([*kinds, f"pause {self.pause_ms:g} ms"])

    @classmethod
    def read(cls, text: str) -> "Budget":
        """The budget in a text; raises ValueError for any other text."""
        *kinds, pause = (part.split() for part in text.split("; "))
        return cls.model_validate(
            {
                "kinds": {kind: {"failed": failed, "gap_ms": gap} for kind, failed, _, gap, _ in kinds},
                "pause_ms": pause[1],
            }
        )


def _key(flow: FlowTotals | Outage) -> _Key:
    return flow.kind, flow.source_node, flow.target_node, flow.source_network, flow.target_network


def _title(flow: FlowTotals) -> str:
    target = flow.target_node or _PLACES.get(flow.kind, "a pod that never answered")
    networks = f", {flow.source_network}→{flow.target_network}" if flow.source_network and flow.target_network else ""
    return f"{flow.source_node} → {target}, {WORDS[flow.kind]}{networks}"


def _line(flow: FlowTotals, losses: list[Outage]) -> str:
    said = [f"{flow.failed:,} of {flow.sent:,} failed"]
    if flow.longest_gap_ms:
        said.append(f"longest gap {flow.longest_gap_ms:,.0f} ms")
    if losses:
        said.append(f"first at {min(losses, key=lambda loss: loss.start).start:%H:%M:%S}")
    return f"{_title(flow)}: {', '.join(said)}"


def _unproven(measurement: Measurement, budget: Budget) -> Iterator[str]:
    for node in measurement.silent:
        yield f"{node}: its probe could not be read, so nothing is known of its flows"
    nodes = {flow.source_node for flow in measurement.flows}
    sent: dict[tuple[str, FlowKind], int] = defaultdict(int)
    for flow in measurement.flows:
        sent[flow.source_node, flow.kind] += flow.sent
    if not nodes:
        yield "no probe has sent anything, so nothing is known"
    # Flows with an interval of seconds may not have had an attempt yet.
    short = (measurement.end - measurement.start).total_seconds() < _LONG_ENOUGH_SECONDS
    for node in [] if short else sorted(nodes):
        idle = [WORDS[kind] for kind in budget.kinds if not sent[node, kind]]
        if idle:
            yield f"{node}: its probes sent nothing ({'; '.join(idle)}), so nothing is known of that"


def broken(measurement: Measurement, budget: Budget) -> list[str]:
    """One line for each flow, probe or node that broke the budget; none if it was kept."""
    losses: dict[_Key, list[Outage]] = defaultdict(list)
    for outage in measurement.outages:
        if not outage.planned:
            losses[_key(outage)].append(outage)
    failed: dict[FlowKind, int] = defaultdict(int)
    for flow in measurement.flows:
        failed[flow.kind] += flow.failed
    lines = []
    for flow in measurement.flows:
        allowance = budget.kinds.get(flow.kind)
        if allowance is None:
            continue
        over = flow.failed and failed[flow.kind] > allowance.failed
        if over or flow.longest_gap_ms > allowance.gap_ms:
            lines.append((-flow.longest_gap_ms, _line(flow, losses[_key(flow)])))
    told = [line for _, line in sorted(lines)]
    told += [
        f"probe {pause.pod} on {pause.node} did not run for {pause.milliseconds:,.0f} ms "
        f"at {pause.start:%H:%M:%S}: what its flows did meanwhile is not known"
        for pause in measurement.pauses
        if pause.milliseconds > budget.pause_ms
    ]
    return [*told, *_unproven(measurement, budget)]

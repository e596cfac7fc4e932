"""The measurement as data: made from the probes' records by `reading`, drawn by the report."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from stacks.flows import FlowKind

__all__ = [
    "LATENCY_BOUNDS_MS",
    "Cost",
    "FlowKind",
    "FlowTotals",
    "Measurement",
    "Moment",
    "Network",
    "Outage",
    "Pause",
]

Network = Literal["old", "new", ""]
# Upper bounds of the latency histogram's buckets in milliseconds; one more bucket is for everything above.
LATENCY_BOUNDS_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)


class _Measured(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FlowTotals(_Measured):
    """One kind of flow from the pods of one node to those of another; `target_node` is empty for what has no node.

    A request, a lookup or an echo beat is one `sent`. `failed` counts unplanned failures, `planned` those explained by
    a requested termination or restart. Gaps are the longest time without a success, in milliseconds, likewise.
    """

    kind: FlowKind
    source_node: str
    target_node: str = ""
    source_network: Network = ""
    target_network: Network = ""
    sent: int = 0
    failed: int = 0
    planned: int = 0
    longest_gap_ms: float = 0.0
    longest_planned_gap_ms: float = 0.0
    latency: tuple[int, ...] = (0,) * (len(LATENCY_BOUNDS_MS) + 1)


class Outage(_Measured):
    """A time without a success in one flow; `planned` is its planned cause, empty for a loss.

    `lost` is the direction in which packets were lost, if known: `there` from source to target, or `back`.
    """

    kind: FlowKind
    source_node: str
    source_pod: str
    target_node: str = ""
    target_pod: str = ""
    source_network: Network = ""
    target_network: Network = ""
    start: datetime
    milliseconds: float
    sent: int = 0
    failed: int = 0
    reason: str = ""
    planned: str = ""
    lost: Literal["", "there", "back"] = ""


class Pause(_Measured):
    """A time in which a probe's own process did not run, so that nothing was measured."""

    node: str
    pod: str
    start: datetime
    milliseconds: float


class Moment(_Measured):
    """The counts of all flows of one kind in the `seconds` from `start` on."""

    kind: FlowKind
    start: datetime
    seconds: float
    sent: int = 0
    failed: int = 0
    planned: int = 0
    latency: tuple[int, ...] = (0,) * (len(LATENCY_BOUNDS_MS) + 1)


class Cost(_Measured):
    """The cost of one node's probes: thousandths of a CPU on average, and bytes of memory at the end."""

    node: str
    millicores: float
    memory_bytes: int


class Measurement(_Measured):
    """Everything that was measured from `start` to `end`; `silent` are nodes whose probes could not be read.

    `cost` is that of the node with the highest; None if no probe recorded it.
    """

    start: datetime
    end: datetime
    probes: int
    silent: tuple[str, ...] = ()
    flows: tuple[FlowTotals, ...] = ()
    outages: tuple[Outage, ...] = ()
    pauses: tuple[Pause, ...] = ()
    timeline: tuple[Moment, ...] = Field(default=())
    cost: Cost | None = None

"""What a report says, as data. Whatever is not known is absent, never a made-up value."""

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from components.checks import Severity
from components.probe.measured import Measurement
from stacks.flows import FlowKind

TurnState = Literal["done", "under way", "failed", "to do"]


class Part(BaseModel):
    """One part of the report; read back from JSON as strictly as it was written."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Step(Part):
    """One step of a node's turn, from its start to its end."""

    name: str
    start: AwareDatetime
    end: AwareDatetime

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (self.end - self.start).total_seconds()


class Losses(Part):
    """What the flows from and to a node did in its wave, as the stack's outputs say; gaps in milliseconds."""

    sent: int
    failed: int
    longest_gap_ms: float


class Turn(Part):
    """One node's turn. `wave` counts from 0, as the config does, and is None for a node that is in none."""

    node: str
    wave: int | None
    state: TurnState
    began: AwareDatetime | None = None
    finished: AwareDatetime | None = None
    steps: tuple[Step, ...] = ()
    pods_evicted: int | None = None
    pods_recycled: int | None = None
    rebooted: bool | None = None
    flows_verified: int | None = None
    losses: Losses | None = None

    @property
    def seconds(self) -> float | None:
        """The wall time of the whole turn; None while either end is unknown."""
        return (self.finished - self.began).total_seconds() if self.began and self.finished else None


class Allowed(Part):
    """What the flows of one kind may lose in a wave: attempts of all of them, and the longest gap of any."""

    failed: int
    gap_ms: float


class Change(Part):
    """What a wave or a phase was held to, and a line for each flow or probe that broke that."""

    title: str
    nodes: tuple[str, ...] = ()
    budget: dict[FlowKind, Allowed]
    pause_ms: float | None = None
    over_budget: tuple[str, ...] = ()


class Run(Part):
    """One update in the stack's history: what it was asked for, when, and how it ended."""

    kind: str
    start: AwareDatetime
    end: AwareDatetime
    result: str
    phase: str = ""
    message: str = ""
    commit: str = ""
    changes: dict[str, int] = {}


class Trouble(Part):
    """Something that a turn reported on its Node as a failure or a stop."""

    node: str
    at: AwareDatetime
    reason: str
    message: str


class CheckFinding(Part):
    """What a check found; the severity is the run's."""

    severity: Severity
    check: str
    title: str
    evidence: str
    remedy: str


class ValueChange(Part):
    """One Helm value while both networks run and once Cilium is alone, as YAML text; None where it is not set."""

    path: str
    migration: str | None
    final: str | None
    reason: str = ""

    @property
    def changed(self) -> bool:
        """Whether `finalize` changes it."""
        return self.migration != self.final


class Versions(Part):
    """What ran; empty where it could not be told."""

    kubernetes: str = ""
    kubelets: tuple[str, ...] = ()
    source: str = ""
    cilium_wanted: str = ""
    cilium_running: tuple[str, ...] = ()
    program: str = ""
    pulumi: str = ""


class Report(Part):
    """A migration, from its first update to the moment of the report.

    `left_out` has a line for each thing that could not be read, and why.
    """

    stack: str
    made: AwareDatetime
    made_by: str
    cluster: str = ""
    source: str = ""
    strategy: str = ""
    phase: str = ""
    turns: tuple[Turn, ...] = ()
    changes: tuple[Change, ...] = ()
    runs: tuple[Run, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    measurement: Measurement | None = None
    budget: dict[FlowKind, Allowed] = {}
    findings: tuple[CheckFinding, ...] = ()
    checks_without_finding: tuple[str, ...] = ()
    values: tuple[ValueChange, ...] = ()
    versions: Versions = Versions()
    operators: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def nodes(self) -> list[str]:
        """Every node, in the order of the waves, those to do last."""
        return [turn.node for turn in self.turns]

    @property
    def done(self) -> list[Turn]:
        """The turns that are complete."""
        return [turn for turn in self.turns if turn.state == "done"]

    @property
    def updates(self) -> list[Run]:
        """The runs that change things; a refresh does not."""
        return [run for run in self.runs if run.kind in ("update", "destroy")]

    def happened(self) -> Iterator[tuple[datetime, datetime]]:
        """When anything was going on: updates, turns, and losses that nobody planned."""
        yield from ((run.start, run.end) for run in self.updates)
        yield from ((turn.steps[0].start, turn.steps[-1].end) for turn in self.turns if turn.steps)
        for outage in self.measurement.outages if self.measurement else ():
            if not outage.planned:
                yield outage.start, outage.start

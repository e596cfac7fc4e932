"""The data model of a report. Unknown facts are absent, never guessed."""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict

from components.checks import Severity
from components.operations.progress import Effect
from components.probe.measured import Measurement
from stacks.flows import FlowKind


class TurnState(StrEnum):
    """The state of a node's turn."""

    DONE = "done"
    UNDER_WAY = "under way"
    FAILED = "failed"
    TO_DO = "to do"


class Part(BaseModel):
    """Base class of the report's parts; parsed from JSON as strictly as it was written."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Step(Part):
    """One step of a node's turn, from its start to its end."""

    name: str
    start: AwareDatetime
    end: AwareDatetime
    effect: Effect = ""

    @property
    def seconds(self) -> float:
        """Its duration in seconds."""
        return (self.end - self.start).total_seconds()


class Losses(Part):
    """Losses of the flows from and to a node in its wave, from the stack's outputs; gaps in milliseconds."""

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
    """The loss budget of one kind of flow in a wave: failed attempts of all its flows, and the longest gap of any."""

    failed: int
    gap_ms: float


class Change(Part):
    """The loss budget of a wave or a phase, and a line for each flow or probe that exceeded it."""

    title: str
    nodes: tuple[str, ...] = ()
    budget: dict[FlowKind, Allowed]
    pause_ms: float | None = None
    over_budget: tuple[str, ...] = ()


class Run(Part):
    """One update in the stack's history: the phase and waves that it asked for, its time and its result."""

    kind: str
    start: AwareDatetime
    end: AwareDatetime
    result: str
    phase: str = ""
    message: str = ""
    commit: str = ""
    changes: dict[str, int] = {}


class Trouble(Part):
    """A failure or a stop that a turn reported on its Node."""

    node: str
    at: AwareDatetime
    reason: str
    message: str


class CheckFinding(Part):
    """A finding of a check, with its severity in this run."""

    severity: Severity
    check: str
    title: str
    evidence: str
    remedy: str


class ValueChange(Part):
    """One Helm value while both networks run and once Cilium is alone, as YAML text; None if it is not set."""

    path: str
    migration: str | None
    final: str | None
    reason: str = ""

    @property
    def changed(self) -> bool:
        """True if phase `finalize` changes it."""
        return self.migration != self.final


class Versions(Part):
    """Versions of the components; empty if not known."""

    kubernetes: str = ""
    kubelets: tuple[str, ...] = ()
    source: str = ""
    cilium_wanted: str = ""
    cilium_running: tuple[str, ...] = ()
    program: str = ""
    pulumi: str = ""


class Report(Part):
    """A migration, from its first update to the moment of the report.

    `left_out` has a line for each part that could not be read, with the reason.
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
        """Every node in the order of the waves, those without a turn last."""
        return [turn.node for turn in self.turns]

    @property
    def done(self) -> list[Turn]:
        """The turns that are complete."""
        return [turn for turn in self.turns if turn.state is TurnState.DONE]

    @property
    def updates(self) -> list[Run]:
        """The runs that can change things, so no refresh."""
        return [run for run in self.runs if run.kind in ("update", "destroy")]

    def happened(self) -> Iterator[tuple[datetime, datetime]]:
        """The times with activity: updates, turns, and unplanned losses."""
        yield from ((run.start, run.end) for run in self.updates)
        yield from ((turn.steps[0].start, turn.steps[-1].end) for turn in self.turns if turn.steps)
        for outage in self.measurement.outages if self.measurement else ():
            if not outage.planned:
                yield outage.start, outage.start

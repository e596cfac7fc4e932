"""What a check is and what it finds."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from components.operations.live_config import manages_every_node
from components.operations.model import Node
from components.operations.snapshot import Snapshot
from components.sources.description import SourceDescription
from stacks.config import StackConfig
from stacks.phases import Phase


class Severity(StrEnum):
    """What a finding does to the run."""

    BLOCKER = "blocker"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing found: the evidence for it and what to do."""

    evidence: str
    remedy: str
    severity: Severity = Severity.BLOCKER
    check: str = ""

    @property
    def line(self) -> str:
        """The finding in one line, its check's id first."""
        return f"[{self.check}] {self.evidence}: {self.remedy}"


@dataclass(frozen=True, kw_only=True)
class Context:
    """All that a check may look at."""

    config: StackConfig
    snapshot: Snapshot
    source: SourceDescription

    @cached_property
    def reached(self) -> Phase | None:
        """The furthest phase that the cluster shows signs of; None before any."""
        live = self.snapshot.cilium_config
        if live is None:
            return Phase.PREFLIGHT if self.snapshot.record is not None else None
        if manages_every_node(live):
            names = self.snapshot.daemon_set_names
            gone = (self.source.namespace, self.source.daemon_set) not in names
            return Phase.CLEANUP if gone else Phase.FINALIZE
        return Phase.MIGRATE if self.snapshot.migrated else Phase.SECONDARY

    def enters(self, phase: Phase) -> bool:
        """Whether this run would take the cluster into `phase` for the first time."""
        if not self.config.phase.includes(phase):
            return False
        return self.reached is None or not self.reached.includes(phase)

    @cached_property
    def about_to_move(self) -> list[Node]:
        """Nodes whose turn this run would do or complete, in the order of the waves; unknown ones left out."""
        moving = (self.snapshot.node(name) for name in self.config.nodes if name not in self.snapshot.migrated)
        return [node for node in moving if node]

    @property
    def moves_nodes(self) -> bool:
        """Whether the config wants nodes on Cilium's network."""
        return bool(self.config.nodes)


@dataclass(frozen=True, kw_only=True)
class Check:
    """One check of the catalogue; its id is stable, users name it to override it."""

    id: str
    title: str
    find: Callable[[Context], Iterator[Finding]]
    overridable: bool = True


def run_checks(catalogue: Sequence[Check], context: Context) -> list[Finding]:
    """Everything found, blockers first; a blocker that the user overrides becomes a warning that says so."""
    found: list[Finding] = []
    for check in catalogue:
        for finding in check.find(context):
            severity, evidence = finding.severity, finding.evidence
            if severity is Severity.BLOCKER and check.id in context.config.override_checks and check.overridable:
                severity, evidence = Severity.WARNING, f"OVERRIDDEN: {evidence}"
            found.append(Finding(evidence=evidence, remedy=finding.remedy, severity=severity, check=check.id))
    return sorted(found, key=lambda each: list(Severity).index(each.severity))


def refusals(findings: Sequence[Finding]) -> list[str]:
    """The lines of the findings that forbid the run."""
    return [each.line for each in findings if each.severity is Severity.BLOCKER]

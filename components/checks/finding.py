"""What a check finds: the evidence for it, and what to do."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """What a finding does to the run."""

    BLOCKER = "blocker"
    WARNING = "warning"
    NOTE = "note"

    @property
    def acknowledged(self) -> "Severity":
        """What is left of it once somebody has taken it upon himself."""
        return Severity.WARNING if self is Severity.BLOCKER else Severity.NOTE


@dataclass(frozen=True, kw_only=True)
class Found:
    """One thing that a check found; an empty remedy or no severity is the check's own."""

    evidence: str
    remedy: str = ""
    severity: Severity | None = None


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing found, by which check; `acknowledged` is the reason of whoever took it upon himself."""

    check: str
    severity: Severity
    evidence: str
    remedy: str
    acknowledged: str = ""

    @property
    def line(self) -> str:
        """The finding in one line, its check's id first."""
        return f"[{self.check}] {self.evidence}: {self.remedy}"

"""The findings of checks: severity, evidence and remedy."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """The effect of a finding on the run."""

    BLOCKER = "blocker"
    WARNING = "warning"
    NOTE = "note"

    @property
    def acknowledged(self) -> "Severity":
        """The severity after acknowledgement."""
        return Severity.WARNING if self is Severity.BLOCKER else Severity.NOTE


class Unrecognised(StrEnum):
    """Kinds of things on a cluster that this program does not recognise."""

    NODE = "node"
    CNI_CONF = "CNI conf"
    DAEMON_SET = "DaemonSet"
    POLICY_KIND = "kind of policy"
    ADDRESSES = "address range"


@dataclass(frozen=True, kw_only=True)
class Found:
    """One thing that a check found; an empty remedy, or None as severity, means the check's own.

    `unrecognised` is set where the finding is about something that this program does not recognise.
    """

    evidence: str
    remedy: str = ""
    severity: Severity | None = None
    unrecognised: Unrecognised | None = None


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One finding with the id of its check; `acknowledged` is the user's reason, if they gave one."""

    check: str
    severity: Severity
    evidence: str
    remedy: str
    acknowledged: str = ""
    unrecognised: Unrecognised | None = None

    @property
    def line(self) -> str:
        """The finding in one line, its check's id first."""
        return f"[{self.check}] {self.evidence}: {self.remedy}"

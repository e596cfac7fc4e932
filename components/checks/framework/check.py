"""The definition of a check, and the function that runs all checks of a catalogue."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from components.checks.framework.context import Context
from components.checks.framework.finding import Finding, Found, Severity
from stacks.notation.nearest import nearest
from stacks.strategies import Milestone

Find = Callable[[Context], Iterator[Found]]


@dataclass(frozen=True, kw_only=True)
class Check:
    """One check of the catalogue; its id is stable, as users name it to acknowledge its findings.

    `severity` is the highest that it reports, `guards` the milestone that it keeps a run from, `why` what happens
    otherwise and where that is known from. A gate cannot be acknowledged.
    """

    id: str
    title: str
    severity: Severity
    guards: Milestone
    why: str
    remedy: str
    find: Find
    gate: bool = False


def check(
    *,
    id: str,  # noqa: A002 (what users call it)
    title: str,
    severity: Severity,
    guards: Milestone,
    why: str,
    remedy: str,
    gate: bool = False,
) -> Callable[[Find], Check]:
    """Decorator that turns a function yielding findings into a check."""

    def made(find: Find) -> Check:
        return Check(
            id=id, title=title, severity=severity, guards=guards, why=why, remedy=remedy, find=find, gate=gate
        )  # fmt: skip

    return made


def run_checks(catalogue: Sequence[Check], context: Context) -> list[Finding]:
    """All findings, blockers first; those that the user acknowledged are less severe and carry the reason."""
    found = [_judged(each, one, context) for each in catalogue for one in each.find(context)]
    return sorted(found, key=lambda each: list(Severity).index(each.severity))


def _judged(check: Check, found: Found, context: Context) -> Finding:
    severity, evidence = found.severity or check.severity, found.evidence
    reason = "" if check.gate else context.config.acknowledge.get(check.id, "")
    if reason:
        severity, evidence = severity.acknowledged, f"acknowledged: {reason}; {evidence}"
    return Finding(
        check=check.id,
        severity=severity,
        evidence=evidence,
        remedy=found.remedy or check.remedy,
        acknowledged=reason,
        unrecognised=found.unrecognised,
    )


def refusals(findings: Sequence[Finding]) -> list[str]:
    """One line for each finding that blocks the run."""
    return [each.line for each in findings if each.severity is Severity.BLOCKER]


def unfit_acknowledgements(catalogue: Sequence[Check], acknowledged: Sequence[str]) -> list[str]:
    """One line for each acknowledged id that is unknown or belongs to a gate."""
    gates = {each.id: each.gate for each in catalogue}
    lines = []
    for name in acknowledged:
        if name not in gates:
            meant = nearest(name, [each for each, gate in gates.items() if not gate])
            remedy = f"did you mean {meant}?" if meant else "docs/checks.md has all of them"
            lines.append(f"config acknowledge.{name}: there is no such check; {remedy}")
        elif gates[name]:
            lines.append(
                f"config acknowledge.{name}: is a gate, which cannot be acknowledged: do what it says, or remove it"
            )
    return lines

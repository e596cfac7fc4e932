"""Writes `docs/checks.md` from the catalogue: `python -m scripts.check.document`."""

from pathlib import Path

from components.checks import CATALOGUE, Check
from stacks.strategies import DEFAULT, Milestone

FILE = Path(__file__).parents[2] / "docs" / "checks.md"
_HEAD = """# Checks and their reasons

Every `pulumi preview` and `pulumi up` runs these checks; `.venv/bin/python -m scripts.check` runs them at any time. A
**blocker** stops the run before anything is changed. The severity in the table is the worst that the check can report.
`pulumi config set --path acknowledge.ID 'the reason'` accepts a check's findings: a blocker becomes a warning
that shows your reason, and the stack's outputs keep it. A *gate* cannot be acknowledged. Written by `make docs`.
"""
_TABLE = "| id | severity | why | what to do |\n|---|---|---|---|\n"


def document() -> str:
    """The whole document: a table for each milestone that checks guard, by the phase that brings the cluster to it."""
    parts = [_HEAD]
    for milestone in Milestone:
        rows = "".join(_row(each) for each in CATALOGUE if each.guards is milestone)
        if rows:
            parts.append(f"## Before `{DEFAULT.first_at(milestone).name}`\n\n{_TABLE}{rows}")
    return "\n".join(parts)


def _row(check: Check) -> str:
    severity = f"{check.severity}, *gate*" if check.gate else check.severity.value
    cells = (f"`{check.id}`", severity, f"**{check.title}**: {check.why}", check.remedy)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


if __name__ == "__main__":
    FILE.write_text(document())

"""Writes `docs/checks.md` from the catalogue: `python -m scripts.check.document`."""

from pathlib import Path

from components.checks import CATALOGUE, Check
from stacks.phases import Phase

FILE = Path(__file__).parents[2] / "docs" / "checks.md"
_HEAD = """# Checks, and why each is there

What is looked at in every `pulumi preview` and `pulumi up`, and by `python -m scripts.check` at any time. A **blocker**
refuses the run before anything is changed; a check may find less than its severity, which is the worst that it finds.
`pulumi config set --path acknowledge.ID 'the reason'` takes a check's findings upon you: a blocker becomes a warning
that gives the reason, and the stack's outputs keep it. A *gate* cannot be acknowledged. Written by `make docs`.
"""
_TABLE = "| id | severity | why | what to do |\n|---|---|---|---|\n"


def document() -> str:
    """The whole document: a table for each phase that checks guard."""
    parts = [_HEAD]
    for phase in Phase:
        rows = "".join(_row(each) for each in CATALOGUE if each.phase is phase)
        if rows:
            parts.append(f"## Before `{phase}`\n\n{_TABLE}{rows}")
    return "\n".join(parts)


def _row(check: Check) -> str:
    severity = f"{check.severity}, *gate*" if check.gate else check.severity.value
    cells = (f"`{check.id}`", severity, f"**{check.title}**: {check.why}", check.remedy)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


if __name__ == "__main__":
    FILE.write_text(document())

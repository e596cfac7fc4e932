"""Renders findings as a table and as JSON."""

import json
from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from components.checks import CATALOGUE, Finding, Severity

NOT_UNDERSTOOD = "Not understood: things on the cluster that this program does not know"
_COLOURS = {Severity.BLOCKER: "red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}


def to_tables(findings: Sequence[Finding]) -> list[Table]:
    """Tables with one row a finding, the most severe first; things not understood follow in a table of their own."""
    understood = [each for each in findings if not each.unrecognised]
    others = [each for each in findings if each.unrecognised]
    tables = [_table(understood)] if understood else []
    return [*tables, _table(others, title=NOT_UNDERSTOOD)] if others else tables


def _table(findings: Sequence[Finding], *, title: str | None = None) -> Table:
    table = Table(show_lines=True, title=title, title_justify="left", title_style="bold")
    for column in ("severity", "check"):
        table.add_column(column, no_wrap=True)
    for column in ("what was found", "what to do"):
        table.add_column(column, overflow="fold")
    for each in findings:
        colour = _COLOURS[each.severity]
        kind = f"\n{each.unrecognised}" if each.unrecognised else ""
        table.add_row(f"[{colour}]{each.severity}[/]{kind}", each.check, escape(each.evidence), escape(each.remedy))
    return table


def to_json(findings: Sequence[Finding]) -> str:
    """The findings with their checks' catalogue entries, and the checks that found nothing."""
    checks = {each.id: each for each in CATALOGUE}
    found = [
        {
            "check": each.check,
            "title": checks[each.check].title,
            "severity": each.severity.value,
            "guards": checks[each.check].guards.value,
            "evidence": each.evidence,
            "remedy": each.remedy,
            "why": checks[each.check].why,
            "acknowledged": each.acknowledged,
            "notUnderstood": each.unrecognised.value if each.unrecognised else "",
        }
        for each in findings
    ]
    silent = [name for name in checks if all(name != each.check for each in findings)]
    return json.dumps({"findings": found, "withoutFinding": silent}, indent=1, ensure_ascii=False)

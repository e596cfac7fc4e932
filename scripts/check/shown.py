"""Findings as a table, and as JSON."""

import json
from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from components.checks import CATALOGUE, Finding, Severity

_COLOURS = {Severity.BLOCKER: "red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}


def to_table(findings: Sequence[Finding]) -> Table:
    """One row a finding, the gravest first."""
    table = Table(show_lines=True)
    for title in ("severity", "check"):
        table.add_column(title, no_wrap=True)
    for title in ("what was found", "what to do"):
        table.add_column(title, overflow="fold")
    for each in findings:
        colour = _COLOURS[each.severity]
        table.add_row(f"[{colour}]{each.severity}[/]", each.check, escape(each.evidence), escape(each.remedy))
    return table


def to_json(findings: Sequence[Finding]) -> str:
    """The findings with what the catalogue says of their checks, and the checks that found nothing."""
    checks = {each.id: each for each in CATALOGUE}
    found = [
        {
            "check": each.check,
            "title": checks[each.check].title,
            "severity": each.severity.value,
            "phase": checks[each.check].phase.value,
            "evidence": each.evidence,
            "remedy": each.remedy,
            "why": checks[each.check].why,
            "acknowledged": each.acknowledged,
        }
        for each in findings
    ]
    silent = [name for name in checks if all(name != each.check for each in findings)]
    return json.dumps({"findings": found, "withoutFinding": silent}, indent=1, ensure_ascii=False)

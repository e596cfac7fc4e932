"""The steps of the turns in a report, as its records name them: their order in a legend, and their colours."""

import re
from pathlib import Path

from scripts.report.model import Report

OTHER = "step-of-others"
_STYLE = Path(__file__).parents[1] / "templates" / "page.css"
COLOURED = frozenset(re.findall(r"--step-([a-z]+):", _STYLE.read_text()))


def style(name: str) -> str:
    """The colour of a step in the style sheet; those that have none of their own share one."""
    return f"step-{name}" if name in COLOURED else OTHER


def used(report: Report) -> list[str]:
    """Each step that a turn has, after the one that it follows there."""
    order: list[str] = []
    for turn in report.turns:
        at = 0
        for step in turn.steps:
            if step.name not in order:
                order.insert(at, step.name)
            at = order.index(step.name) + 1
    return order

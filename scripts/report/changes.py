"""What each phase and wave was held to and which flows broke that, as the stack's outputs have it."""

from collections.abc import Mapping
from typing import Any, get_args

from components.probe.budget import WORDS, Budget
from scripts.report.model import Allowed, Change
from stacks.flows import FlowKind
from stacks.phases import Phase

_KINDS: tuple[FlowKind, ...] = get_args(FlowKind)


def make_changes(outputs: Mapping[str, Any]) -> tuple[Change, ...]:
    """The phases and waves whose traffic was looked at, in their order."""
    phases = outputs.get("phases") or {}
    said: list[tuple[str, Mapping[str, Any]]] = []
    for phase in Phase:
        said.append((f"phase {phase}", phases.get(phase) or {}))
        if phase is Phase.MIGRATE:
            said += [(f"wave {number}", each) for number, each in enumerate(outputs.get("waves") or [])]
    return tuple(_change(title, each) for title, each in said if each.get("budget"))


def _change(title: str, said: Mapping[str, Any]) -> Change:
    budget = Budget.read(said["budget"])
    return Change(
        title=title,
        nodes=tuple(said.get("nodes") or ()),
        budget={
            kind: Allowed(failed=budget.kinds[kind].failed, gap_ms=budget.kinds[kind].gap_ms)
            for kind in _KINDS
            if kind in budget.kinds
        },
        pause_ms=budget.pause_ms,
        over_budget=tuple(said.get("overBudget") or ()),
    )


def held_to(change: Change) -> list[str]:
    """The budget in words, a line for the kinds that were allowed the same."""
    same: dict[Allowed, list[FlowKind]] = {}
    for kind, allowed in change.budget.items():
        same.setdefault(allowed, []).append(kind)
    lines = [
        f"{'every kind' if len(kinds) == len(_KINDS) else '; '.join(WORDS[kind] for kind in kinds)}: "
        f"{allowed.failed:,} lost, {allowed.gap_ms:,.0f} ms"
        for allowed, kinds in same.items()
    ]
    return [*lines, *([f"a probe's own pause: {change.pause_ms:,.0f} ms"] if change.pause_ms is not None else [])]

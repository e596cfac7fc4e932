"""Loss budgets of each phase and wave, and the flows that exceeded them, from the stack's outputs."""

from collections.abc import Mapping
from typing import Any, get_args

from components.probe.budget import WORDS, Budget
from scripts.report.model import Allowed, Change
from stacks.flows import FlowKind
from stacks.strategies import DEFAULT, Milestone, Strategy, strategy_named

_KINDS: tuple[FlowKind, ...] = get_args(FlowKind)


def make_changes(outputs: Mapping[str, Any]) -> tuple[Change, ...]:
    """The phases and waves whose traffic was judged, in their order."""
    phases = outputs.get("phases") or {}
    said: list[tuple[str, Mapping[str, Any]]] = []
    strategy = _strategy(outputs)
    for phase in strategy.phases:
        said.append((f"phase {phase.name}", phases.get(phase.name) or {}))
        if phase.milestone is Milestone.NODES_MOVE:
            said += [(f"wave {number}", each) for number, each in enumerate(outputs.get("waves") or [])]
    said += [(f"phase {name}", each) for name, each in phases.items() if name not in strategy.names]
    return tuple(_change(title, each) for title, each in said if each.get("budget"))


def _strategy(outputs: Mapping[str, Any]) -> Strategy:
    """The stack's strategy; the usual one where its name is a secret, or its package is missing here or unusable."""
    try:
        return strategy_named(str(outputs.get("strategy") or DEFAULT.name))
    except (KeyError, ValueError):
        return DEFAULT


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
    """The budget in words, one line for all kinds with the same limits."""
    same: dict[Allowed, list[FlowKind]] = {}
    for kind, allowed in change.budget.items():
        same.setdefault(allowed, []).append(kind)
    lines = [
        f"{'every kind' if len(kinds) == len(_KINDS) else '; '.join(WORDS[kind] for kind in kinds)}: "
        f"{allowed.failed:,} lost, {allowed.gap_ms:,.0f} ms"
        for allowed, kinds in same.items()
    ]
    return [*lines, *([f"a probe's own pause: {change.pause_ms:,.0f} ms"] if change.pause_ms is not None else [])]

"""What each wave was held to and which flows broke that, as the stack's outputs have it."""

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from components.probe.budget import WORDS
from scripts.report.model import Allowed, Wave
from stacks.flows import FlowKind

_KINDS: tuple[FlowKind, ...] = get_args(FlowKind)


def make_waves(outputs: Mapping[str, Any]) -> tuple[Wave, ...]:
    """The waves whose traffic was looked at, numbered as in the config."""
    return tuple(_waves(outputs))


def _waves(outputs: Mapping[str, Any]) -> Iterator[Wave]:
    for number, each in enumerate(outputs.get("waves") or []):
        held_to = each.get("budget") or {}
        kinds = held_to.get("kinds") or {}
        if held_to:
            yield Wave(
                number=number,
                nodes=tuple(each.get("nodes") or ()),
                budget={
                    kind: Allowed(failed=kinds[kind]["failed"], gap_ms=kinds[kind]["gapMs"])
                    for kind in _KINDS
                    if kind in kinds
                },
                pause_ms=held_to.get("pauseMs"),
                over_budget=tuple(each.get("overBudget") or ()),
            )


def held_to(wave: Wave) -> list[str]:
    """The budget in words, a line for the kinds that were allowed the same."""
    same: dict[Allowed, list[FlowKind]] = {}
    for kind, allowed in wave.budget.items():
        same.setdefault(allowed, []).append(kind)
    lines = [
        f"{'every kind' if len(kinds) == len(_KINDS) else '; '.join(WORDS[kind] for kind in kinds)}: "
        f"{allowed.failed:,} lost, {allowed.gap_ms:,.0f} ms"
        for allowed, kinds in same.items()
    ]
    return [*lines, *([f"a probe's own pause: {wave.pause_ms:,.0f} ms"] if wave.pause_ms is not None else [])]

"""The phases and waves that were held to a budget, also where the strategy's name says nothing to this installation."""

from typing import Any

import pytest

from components.probe.budget import Allowance, Budget
from scripts.report.changes import make_changes
from stacks.config import parse_config


@pytest.fixture
def held() -> dict[str, Any]:
    traffic = parse_config({}).traffic
    kinds = {kind: Allowance(**each.model_dump()) for kind, each in traffic.budget.items()}
    budget = Budget(kinds=kinds, pause_ms=traffic.pause_ms)
    return {"budget": budget.text, "overBudget": []}


@pytest.mark.parametrize("strategy", ["hybrid", "[secret]", "of-a-package", None])
def test_phases_and_waves_are_in_their_order_whatever_the_strategy_is_called(
    strategy: str | None, held: dict[str, Any]
) -> None:
    outputs: dict[str, Any] = {"phases": {"finalize": held, "secondary": held}, "waves": [{"nodes": ["a"], **held}]}
    if strategy:
        outputs["strategy"] = strategy
    assert [each.title for each in make_changes(outputs)] == ["phase secondary", "wave 0", "phase finalize"]


def test_a_phase_of_another_strategy_is_not_left_out(held: dict[str, Any]) -> None:
    outputs = {"strategy": "of-a-package", "phases": {"turns": held, "secondary": held}, "waves": []}
    assert [each.title for each in make_changes(outputs)] == ["phase secondary", "phase turns"]

"""Strategies as data: their order, the phase of each milestone, and recipes whose steps know what undoes them."""

import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from components.operations.cluster_api.errors import ClusterError
from components.strategies.rooms import recipe_of
from scripts.report.changes import make_changes
from scripts.watch.reading import _strategy as watched
from stacks.config import ConfigError, parse_config
from stacks.strategies import DEFAULT, Milestone, Phase, Strategy, known_strategies, registry, strategy_named
from tests.turns.running_a_turn import make_turn

INSTALLED = Path(__file__).parent / "installed"
ONE = Phase(name="one", milestone=Milestone.BOTH_NETWORKS, purpose="the first")
TWO = Phase(name="two", milestone=Milestone.CILIUM_ALONE, purpose="the second")


def make_strategy(*phases: Phase) -> Strategy:
    return Strategy(name="made", title="made here", phases=phases, switch_label="example/x", rooms="nowhere")


@pytest.mark.parametrize("phases", [(), (TWO, ONE), (ONE, ONE)], ids=["none", "out of order", "one name twice"])
def test_phases_without_an_order_are_no_strategy(phases: tuple[Phase, ...]) -> None:
    with pytest.raises(ValueError, match="strategy 'made': its phases need names of their own"):
        make_strategy(*phases)


@pytest.mark.parametrize(
    ("milestone", "first", "last"),
    [
        (Milestone.BEFORE_CILIUM, "one", None),
        (Milestone.BOTH_NETWORKS, "one", "one"),
        (Milestone.NODES_MOVE, "two", "one"),
        (Milestone.CILIUM_ALONE, "two", "two"),
        (Milestone.OLD_NETWORK_GONE, "two", "two"),
    ],
)
def test_a_milestone_has_a_phase_that_comes_to_it_and_one_that_it_is_in(
    milestone: Milestone, first: str, last: str | None
) -> None:
    strategy, found = make_strategy(ONE, TWO), make_strategy(ONE, TWO).last_at(milestone)
    assert strategy.first_at(milestone).name == first
    assert (found.name if found else None) == last


def test_the_usual_strategy_has_a_phase_for_each_milestone() -> None:
    assert [phase.milestone for phase in DEFAULT.phases] == list(Milestone)


@pytest.mark.parametrize("name", known_strategies())
@pytest.mark.parametrize("method", ["recycle", "reboot", "command", "none"])
@pytest.mark.parametrize("in_place", [False, True])
def test_each_step_that_is_undone_is_undone_by_a_step_of_the_way_back(name: str, method: str, in_place: bool) -> None:
    turn, recipe = make_turn(method=method, in_place=in_place), recipe_of(strategy_named(name))
    back = {step.name for step in recipe.back if step.applies(turn)}
    undone = {step.undone_by for step in recipe.there if step.applies(turn) and step.undone_by}
    assert undone - back == set()


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(INSTALLED))
    yield
    for name in [each for each in sys.modules if each.startswith("toy_strategy")]:
        del sys.modules[name]


@pytest.mark.usefixtures("installed")
def test_an_installed_package_offers_a_strategy_with_phases_of_its_own() -> None:
    assert known_strategies() == ["hybrid", "toy"]
    config = parse_config({"strategy": "toy"})
    assert (config.phase, config.milestone) == ("beside", Milestone.BOTH_NETWORKS)
    assert parse_config({"strategy": "toy", "phase": "turns", "waves": '[["worker-1"]]'}).nodes == ["worker-1"]
    with pytest.raises(ConfigError, match="config phase: 'cleanup' is not one of 'beside', 'turns'"):
        parse_config({"strategy": "toy", "phase": "cleanup"})
    assert [step.name for step in recipe_of(strategy_named("toy")).there] == ["cordon", "mark", "uncordon"]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("json:dumps", r"odd \(json:dumps\) is no Strategy of that name"),
        ("json:gone", r"odd \(json:gone\) cannot be loaded: .*gone"),
        ("of_nobody:STRATEGY", r"odd \(of_nobody:STRATEGY\) cannot be loaded: No module named 'of_nobody'"),
    ],
)
def test_an_entry_point_that_is_no_strategy_is_refused(monkeypatch: pytest.MonkeyPatch, value: str, told: str) -> None:
    """In one line by the config, and by what reads a migration that somebody else began with it."""
    point = EntryPoint(name="odd", value=value, group=registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda **_: [point])
    registry.strategy_named.cache_clear()
    with pytest.raises(ValueError, match=told):
        strategy_named("odd")
    with pytest.raises(ConfigError, match=told):
        parse_config({"strategy": "odd", "phase": "preflight"})
    with pytest.raises(ClusterError, match=rf"the migration's strategy 'odd' is unusable: .*{told}.*mend its package"):
        watched("odd")
    assert make_changes({"strategy": "odd", "phases": {}, "waves": []}) == ()
    registry.strategy_named.cache_clear()

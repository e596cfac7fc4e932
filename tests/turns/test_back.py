"""Particulars of the way back, and to the first write of either way."""

import pytest

from components.operations.deadline import OperationError
from components.operations.turn import empty_for_cilium, empty_for_return
from components.operations.turn_annotations import TurnStep, step_of
from tests.turns.api import KilledError
from tests.turns.running_a_turn import BACK, NODE, THERE, make_turn
from tests.turns.world import World

TURN = make_turn(seconds=0.3)


def _back_with_a_pod() -> World:
    """A migrated node that has a pod of `shop` again, on Cilium's network."""
    world = World()
    THERE.go(world, world.client(), TURN)
    world.replica_set("shop", replicas=3)
    assert world.pods(node=NODE, app="shop")
    world.done.clear()
    return world


def test_pods_leave_before_the_network_is_changed_back_under_them() -> None:
    world = _back_with_a_pod()
    BACK.go(world, world.client(), TURN)
    assert world.done[:3] == [f"cordon {NODE}", "end shop", "start shop"]


def test_a_budget_holds_the_way_back_as_well() -> None:
    world = _back_with_a_pod()
    world.budget("shop", available=3)
    with pytest.raises(OperationError, match="budget default/shop needs 3 available, has 3"):
        BACK.go(world, world.client(), TURN)
    assert world.done == [f"cordon {NODE}"]


def test_the_first_write_of_a_turn_says_that_there_is_one() -> None:
    """Killed right after it, a run leaves nothing of a turn that nobody knows of."""
    for half, before, step in (
        (empty_for_cilium, (), TurnStep.DRAINING),
        (empty_for_return, (THERE,), TurnStep.RETURNING),
    ):
        world = World()
        for way in before:
            way.go(world, world.client(), TURN)
        with pytest.raises(KilledError):
            half(world.client(killed_after=1), TURN)
        assert step_of(world.node(NODE)) is step

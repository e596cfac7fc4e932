"""Pods that are renewed on their node, one after the other."""

import pytest

from components.operations.deadline import OperationError
from tests.turns.running_a_turn import NODE, THERE, make_turn
from tests.turns.world import World


def test_the_next_pod_goes_once_the_one_before_is_back() -> None:
    """The first one's replacement is never Ready, so the others stay as they are."""
    world, turn = World(), make_turn(in_place=True, seconds=0.3)
    world.replica_set("shop", replicas=6)
    assert len(world.pods(node=NODE, app="shop")) == 2
    world.players.ill.add("shop")
    with pytest.raises(
        OperationError, match=r"replacements of its pods: not within 0 s: ReplicaSet default/shop has 5"
    ):
        THERE.go(world, world.client(), turn)
    assert world.done.count("end shop") == 1


def test_a_pod_that_its_budget_holds_is_named_with_it() -> None:
    world, turn = World(), make_turn(in_place=True, seconds=0.3)
    world.budget("web", available=3)
    with pytest.raises(OperationError, match=r"1 of 1 pod not on Cilium in 0 s:\n  pod default/web-1: budget"):
        THERE.go(world, world.client(), turn)
    assert world.done.count("end web") == 0
    assert not world.node(NODE).unschedulable, "its pods must be able to come back"

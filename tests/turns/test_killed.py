"""A run that is killed after any of its writes, and the next one: the same end, and nothing done twice that harms."""

from collections import Counter
from collections.abc import Iterator

import pytest

from components.operations.turn import Turn
from tests.turns.api import Client
from tests.turns.running_a_turn import BACK, NODE, THERE, Way, make_turn
from tests.turns.world import World

WAYS = {
    "recycle": make_turn(),
    "reboot": make_turn(method="reboot"),
    "in-place": make_turn(in_place=True),
}
# Looking once more, or writing what stands there already, harms nobody.
HARMS = ("end web", "end logs", "end probe", "script reboot")
SWITCHES = ("end cilium",)


def _after(*ways: Way, turn: Turn) -> tuple[World, Client]:
    """A world in which these ways were gone undisturbed, and the client of the last."""
    world = World()
    client = world.client()
    for way in ways:
        world.done.clear()
        client = world.client()
        way.go(world, client, turn)
    return world, client


def _harm(world: World, *kinds: str) -> Counter[str]:
    return Counter(each for each in world.done if each in kinds)


def _killed(way: Way, before: tuple[Way, ...], turn: Turn) -> Iterator[tuple[str, int, World]]:
    """Each moment of a way in turn, told in words; the half that was left unfinished, and the world as it was then."""
    begun, _ = _after(*before, turn=turn)
    undisturbed = begun.copy()
    client = undisturbed.client()
    way.go(undisturbed, client, turn)
    for number, request in enumerate(client.requests, start=1):
        world = begun.copy()
        half = way.go_until_killed(world, turn, writes=number)
        if half is not None:
            yield f"killed after write {number} ({request.words}) of the way {way.name}", half, world


@pytest.mark.parametrize("turn", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("state_lost", [False, True], ids=["", "state-lost"])
def test_the_way_there_is_completed_by_the_next_run(turn: Turn, state_lost: bool) -> None:
    wanted, _ = _after(THERE, turn=turn)
    for moment, half, world in _killed(THERE, (), turn):
        THERE.go(world, world.client(), turn, begin=0 if state_lost else half)
        assert world.state(NODE) == wanted.state(NODE), moment
        assert _harm(world, *HARMS, *SWITCHES) == _harm(wanted, *HARMS, *SWITCHES), moment


@pytest.mark.parametrize("turn", WAYS.values(), ids=WAYS)
def test_the_way_back_is_completed_by_the_next_run(turn: Turn) -> None:
    wanted, _ = _after(THERE, BACK, turn=turn)
    for moment, half, world in _killed(BACK, (THERE,), turn):
        BACK.go(world, world.client(), turn, begin=half)
        assert world.state(NODE) == wanted.state(NODE), moment
        assert _harm(world, *HARMS) == _harm(wanted, *HARMS), moment


@pytest.mark.parametrize("turn", WAYS.values(), ids=WAYS)
def test_a_turn_broken_off_can_be_taken_back_instead(turn: Turn) -> None:
    """Once its first half is in the engine's state, that half is undone, whatever came of the other."""
    untouched = World().state(NODE)
    for moment, half, world in _killed(THERE, (), turn):
        if half == 1:
            BACK.go(world, world.client(), turn, begin=1)
            found = world.state(NODE)
            assert {**found, "pods": []} == {**untouched, "pods": []}, moment
            assert all(pod.ready and turn.on_source(pod) for pod in world.pods() if not pod.host_network), moment


@pytest.mark.parametrize("turn", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("begin", [0, 1])
def test_a_way_back_broken_off_can_be_gone_there_again(turn: Turn, begin: int) -> None:
    """By a run that knows nothing, or by the second half alone, as after a refresh."""
    wanted, _ = _after(THERE, turn=turn)
    for moment, _half, world in _killed(BACK, (THERE,), turn):
        THERE.go(world, world.client(), turn, begin=begin)
        found = world.state(NODE)
        assert {**found, "pods": []} == {**wanted.state(NODE), "pods": []}, moment
        here = [pod for pod in world.pods(node=NODE) if not pod.host_network]
        assert here, moment
        assert all(pod.ready and turn.on_cilium(pod) for pod in here), moment


@pytest.mark.parametrize("turn", WAYS.values(), ids=WAYS)
def test_done_again_when_it_is_done_a_way_changes_nothing(turn: Turn) -> None:
    for before in ((THERE,), (THERE, BACK)):
        world, _ = _after(*before, turn=turn)
        last, state = before[-1], world.state(NODE)
        world.done.clear()
        last.go(world, world.client(), turn, begin=0 if last is THERE else 1)
        assert world.state(NODE) == state
        assert world.done == []

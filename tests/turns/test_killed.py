"""A run that is killed after any of its writes, and the next one: the same end, and nothing done twice that harms."""

from collections import Counter
from collections.abc import Iterator

import pytest

from components.operations.turn import Turn, take_back, unfinished
from components.operations.turn_annotations import STEP
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


def _killed(way: Way, before: tuple[Way, ...], turn: Turn) -> Iterator[tuple[str, World]]:
    """Each moment of a way in turn, told in words, and the world as it was left then."""
    begun, _ = _after(*before, turn=turn)
    undisturbed = begun.copy()
    client = undisturbed.client()
    way.go(undisturbed, client, turn)
    for number, request in enumerate(client.requests, start=1):
        world = begun.copy()
        if way.is_killed(world, turn, writes=number):
            yield f"killed after write {number} ({request.words}) of the way {way.name}", world


@pytest.mark.parametrize("turn", WAYS.values(), ids=WAYS)
def test_the_way_there_is_completed_by_the_next_run(turn: Turn) -> None:
    wanted, _ = _after(THERE, turn=turn)
    for moment, world in _killed(THERE, (), turn):
        THERE.go(world, world.client(), turn)
        assert world.state(NODE) == wanted.state(NODE), moment
        assert _harm(world, *HARMS, *SWITCHES) == _harm(wanted, *HARMS, *SWITCHES), moment


@pytest.mark.parametrize("turn", WAYS.values(), ids=WAYS)
def test_the_way_back_is_completed_by_the_next_run(turn: Turn) -> None:
    wanted, _ = _after(THERE, BACK, turn=turn)
    for moment, world in _killed(BACK, (THERE,), turn):
        BACK.go(world, world.client(), turn)
        assert world.state(NODE) == wanted.state(NODE), moment
        assert _harm(world, *HARMS) == _harm(wanted, *HARMS), moment


@pytest.mark.parametrize("turn", WAYS.values(), ids=WAYS)
def test_a_turn_broken_off_can_be_taken_back_instead(turn: Turn) -> None:
    """No state holds it: the nodes' own marks tell that it was begun."""
    untouched = World().state(NODE)
    taken_back = 0
    for moment, world in _killed(THERE, (), turn):
        client = world.client()
        if not unfinished(client, [NODE]):
            assert world.state(NODE)["marks"].get(STEP) in (None, "migrated"), moment
            continue
        taken_back += 1
        take_back(client, [turn])
        assert not unfinished(client, [NODE]), moment
        found = world.state(NODE)
        assert {**found, "pods": []} == {**untouched, "pods": []}, moment
        assert all(pod.ready and turn.on_source(pod) for pod in world.pods() if not pod.host_network), moment
    assert taken_back > 5


@pytest.mark.parametrize("turn", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("begin", [0, 1])
def test_a_way_back_broken_off_can_be_gone_there_again(turn: Turn, begin: int) -> None:
    """By a run that knows nothing, or by the second half alone, as after a refresh."""
    wanted, _ = _after(THERE, turn=turn)
    for moment, world in _killed(BACK, (THERE,), turn):
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
        last.go(world, world.client(), turn)
        assert world.state(NODE) == state
        assert world.done == []

"""The record of a turn on its Node: both halves together, of this turn alone, and what cannot be read is told."""

from dataclasses import replace

import pytest

from components.operations.turn.turn_record import record_of_turn
from components.operations.turn_annotations import TURN
from scripts.report.cluster_record import marked
from scripts.report.turns import make_turns, unread
from tests.turns.running_a_turn import BACK, NODE, THERE, make_turn
from tests.turns.world import World

TURN_OF_NODE = make_turn()


def names(world: World) -> list[str]:
    return [step["name"] for step in record_of_turn(world.node(NODE))["steps"]]


def test_it_has_both_halves_also_where_they_were_done_by_two_runs() -> None:
    world = World()
    THERE.halves[0](world.client(), TURN_OF_NODE)
    assert names(world) == ["cordon", "drain"]
    THERE.whole(world.client(), TURN_OF_NODE)
    record = record_of_turn(world.node(NODE))
    assert names(world) == ["cordon", "drain", "cordon", "drain", "agent", "recycle", "verify", "uncordon"]
    assert record["began"] <= record["finished"]
    assert (record["podsEvicted"], record["podsRecycled"], record["restarted"]) == (1, 2, False)


def test_a_turn_that_mends_drift_is_recorded_by_itself() -> None:
    world = World()
    THERE.go(world, world.client(), TURN_OF_NODE)
    machine = world.players.machines[NODE]
    world.players.machines[NODE] = replace(machine, conf=machine.conf | {"00-mine.conf"})
    THERE.go(world, world.client(), TURN_OF_NODE)
    assert names(world) == ["agent", "recycle", "verify", "uncordon"]


def test_nothing_of_it_is_left_on_a_node_that_went_back() -> None:
    world = World()
    THERE.go(world, world.client(), TURN_OF_NODE)
    BACK.go(world, world.client(), TURN_OF_NODE)
    assert record_of_turn(world.node(NODE)) == {}
    assert TURN not in world.node(NODE).annotations


@pytest.mark.parametrize("text", ["no JSON", "[]", '{"steps": [{"name": ""}]}', '{"steps": 3}'])
def test_one_that_cannot_be_read_is_told(text: str) -> None:
    world = World()
    THERE.go(world, world.client(), TURN_OF_NODE)
    world.objects.by_path[f"/api/v1/nodes/{NODE}"]["metadata"]["annotations"][TURN] = text
    marks = {NODE: marked(world.node(NODE))}
    (line,) = unread({}, [], marks)
    assert line.startswith(f"steps of node {NODE}, as the stack's record of them is none of this version's")
    (turn,) = make_turns({}, waves=[[NODE]], nodes=[NODE], marks=marks, told=[])
    assert (turn.state, turn.steps) == ("done", ())

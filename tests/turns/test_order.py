"""A turn's deeds on the cluster, in its order, and what is left of it at its end."""

import re
from dataclasses import replace

import pytest

from components.operations.turn import Turn, shared_steps
from components.operations.turn_annotations import STEP
from stacks.values import CNI_CONF, MIGRATED_LABEL
from tests.turns.running_a_turn import BACK, NODE, THERE, make_turn
from tests.turns.world import World

# The verification goes on beside the pods' renewal, so nothing is said of when its own pods come and go.
_BESIDE = ("start verify", "end verify", "start shell", "end shell", "script inspect_network")
CORDONED, UNCORDONED = f"cordon {NODE}", f"uncordon {NODE}"
LABELLED, UNLABELLED = f"label {NODE}", f"unlabel {NODE}"
AGENT = ["end cilium", "start cilium"]
MOVED = ["end web", "start web"]
RENEWED = ["end probe", "start probe", "end logs", "start logs"]


def told(world: World) -> list[str]:
    """The deeds since it was last asked."""
    found = [each for each in world.done if each not in _BESIDE]
    world.done.clear()
    return found


@pytest.mark.parametrize(
    ("turn", "forth", "back"),
    [
        (
            make_turn(),
            [CORDONED, *MOVED, LABELLED, *AGENT, *RENEWED, UNCORDONED],
            [CORDONED, UNLABELLED, *AGENT, "script restore_cni_conf", *RENEWED, UNCORDONED],
        ),
        (
            make_turn(method="reboot"),
            [CORDONED, *MOVED, LABELLED, *AGENT, "script reboot", UNCORDONED],
            [CORDONED, UNLABELLED, *AGENT, "script restore_cni_conf", *RENEWED, UNCORDONED],
        ),
        (
            make_turn(in_place=True),
            [CORDONED, LABELLED, *AGENT, UNCORDONED, *MOVED, *RENEWED],
            [CORDONED, UNLABELLED, *AGENT, "script restore_cni_conf", UNCORDONED, *MOVED, *RENEWED],
        ),
    ],
    ids=["recycle", "reboot", "in-place"],
)
def test_the_steps_of_both_ways(turn: Turn, forth: list[str], back: list[str]) -> None:
    world = World()
    before = world.state(NODE)
    THERE.go(world, world.client(), turn)
    assert told(world) == forth
    after = world.state(NODE)
    assert (after["marks"], after["labels"]) == ({STEP: "migrated"}, {MIGRATED_LABEL: "true"})
    assert (after["cordoned"], after["conf"]) == (False, [CNI_CONF, "10-flannel.conflist.cilium_bak"])
    assert all(turn.on_cilium(pod) for pod in world.pods(node=NODE) if not pod.host_network)
    BACK.go(world, world.client(), turn)
    assert told(world) == back
    assert {**world.state(NODE), "pods": []} == {**before, "pods": []}
    assert all(turn.on_source(pod) for pod in world.pods(node=NODE) if not pod.host_network)


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("method", ["recycle", "reboot", "command"])
def test_no_step_has_a_number_beyond_their_total(
    method: str, in_place: bool, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    world, turn = World(), make_turn(method=method, in_place=in_place)
    turn = replace(turn, restart=replace(turn.restart, command="true"), watched=("DaemonSet default/logs",))
    monkeypatch.setattr(shared_steps, "wait_for_watched", lambda *_, **__: None)
    for way in (THERE, BACK):
        way.go(world, world.client(), turn)
    numbers = [(int(number), int(total)) for number, total in re.findall(r" \[(\d+)/(\d+)\] ", capfd.readouterr().err)]
    assert numbers
    assert all(number <= total for number, total in numbers)


@pytest.mark.parametrize("in_place", [False, True])
def test_a_node_that_was_cordoned_before_stays_so_both_ways(in_place: bool) -> None:
    world, turn = World(), make_turn(in_place=in_place, wait_for_replacements=not in_place)
    world.change_node(NODE, unschedulable=True)
    world.done.clear()
    for way in (THERE, BACK):
        way.go(world, world.client(), turn)
        assert world.node(NODE).unschedulable
    assert not [each for each in world.done if "cordon" in each]


@pytest.mark.parametrize("first", [THERE, BACK], ids=["there", "back"])
def test_a_node_that_is_cordoned_between_its_turns_stays_so(first: object) -> None:
    """A note of what was before is of one turn: the next one asks anew."""
    world, turn = World(), make_turn()
    for way in (THERE, BACK, THERE):
        way.go(world, world.client(), turn)
        if way is first:
            world.change_node(NODE, unschedulable=True)
    assert world.node(NODE).unschedulable

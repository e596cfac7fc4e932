"""A turn that goes on, or that somebody undid by hand: what is seen on the cluster is believed, and not done twice."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from components.operations.deadline import OperationError, stopping
from components.operations.draining.evictions import request_eviction
from components.operations.turn import drift, empty_for_cilium, move_to_cilium
from components.operations.turn_annotations import BOOT_ID, NOT_READY_BEFORE, STEP, TurnStep, mark, step_of
from stacks.sections.node import DrainSettings
from stacks.values import CNI_CONF, MIGRATED_LABEL
from tests.turns.running_a_turn import BACK, NODE, THERE, Way, make_turn
from tests.turns.world import World

TURN = make_turn()


@pytest.mark.parametrize("step", [TurnStep.SWITCHING, TurnStep.MIGRATED])
def test_a_node_that_was_switched_is_not_drained_again(step: TurnStep) -> None:
    """It may have been given back its pods already, on their new network."""
    world = World()
    mark(world.client(), NODE, step)
    client = world.client()
    empty_for_cilium(client, TURN)
    assert client.requests == []


def test_pods_that_came_meanwhile_are_evicted_and_not_just_deleted() -> None:
    """Somebody uncordoned the node before it was switched: the pods that came are their budgets' business."""
    world = World()
    empty_for_cilium(world.client(), TURN)
    world.change_node(NODE, unschedulable=None)
    world.replica_set("late", replicas=1)
    client = world.client()
    THERE.go(world, client, TURN, begin=1)
    assert [each.words for each in client.requests if "late" in each.path] == ["POST late-1/eviction"]


@pytest.mark.parametrize(("before", "way"), [((), THERE), ((THERE,), BACK)], ids=["there", "back"])
def test_a_pod_that_comes_back_past_the_cordon_is_evicted_again_once_the_node_is_switched(
    before: tuple[Way, ...], way: Way
) -> None:
    """Its template names the node; what ends it the second time is an eviction too, as budgets count for it."""
    world = World()
    world.replica_set("pinned", replicas=1, nodeName=NODE)
    for each in before:
        each.go(world, world.client(), TURN)
    client, old = world.client(), world.pods(app="pinned")[0].address
    way.go(world, client, TURN)
    (pod,) = world.pods(app="pinned")
    assert (pod.node, pod.ready) == (NODE, True)
    assert pod.address.rpartition(".")[0] != old.rpartition(".")[0]
    asked = [each.words.partition(" ")[0] for each in client.requests if "pinned" in each.path]
    assert asked == ["POST", "POST"]


@pytest.mark.parametrize(
    ("disable", "asked"), [(False, "POST web-1/eviction"), (True, "DELETE pods/web-1")], ids=["", "disableEviction"]
)
def test_pods_are_evicted_unless_the_user_wants_them_deleted(disable: bool, asked: str) -> None:
    world = World()
    world.budget("web", available=3 if disable else 2)
    client = world.client()
    empty_for_cilium(client, replace(TURN, drain=DrainSettings(disable_eviction=disable)))
    assert [each.words for each in client.requests if "web" in each.path] == [asked]


@pytest.mark.parametrize("disable", [False, True])
@pytest.mark.parametrize(("wanted", "sent"), [(None, None), (0, 0), (30, 30)])
def test_a_grace_period_is_told_where_there_is_one(disable: bool, wanted: int | None, sent: int | None) -> None:
    world = World()
    (pod,), client = world.pods(node=NODE, app="web"), world.client()
    request_eviction(client, pod, options=DrainSettings(disable_eviction=disable, grace_period_seconds=wanted))
    (request,) = client.requests
    assert request.body.get("deleteOptions", request.body).get("gracePeriodSeconds") == sent


@pytest.mark.parametrize("disable", [False, True])
def test_another_pod_of_that_name_is_left_alone(disable: bool) -> None:
    world = World()
    (pod,) = world.pods(node=NODE, app="web")
    request_eviction(world.client(), replace(pod, uid="an-older-one"), options=DrainSettings(disable_eviction=disable))
    assert world.pods(node=NODE, app="web") == [pod]


def test_the_users_command_is_run_once_in_a_turn(tmp_path: Path) -> None:
    """Its verification fails twice; the kubelet would renew the pods by itself, which here nobody plays."""
    command = f"sh -c 'echo {{node}} >> {tmp_path}/ran'"
    turn = replace(TURN, restart=replace(TURN.restart, method="command", command=command))
    world = World()
    world.broken.add("dns://")
    for _ in range(2):
        with pytest.raises(OperationError, match="fresh pod → DNS"):
            THERE.go(world, world.client(), turn)
    assert (tmp_path / "ran").read_text() == f"{NODE}\n"


@pytest.mark.parametrize("before", [(), (THERE,)], ids=["there", "back"])
def test_who_was_ill_before_a_turn_is_known_after_it_was_broken_off(before: tuple[Way, ...]) -> None:
    """Its pods are renewed by then: nothing but the note says that they were ill before."""
    world, way = World(), BACK if before else THERE
    world.players.ill.add("gpu")
    world.daemon_set("gpu")
    for each in before:
        each.go(world, world.client(), TURN)
    world.broken.add("dns://")
    with pytest.raises(OperationError, match="fresh pod → DNS"):
        way.go(world, world.client(), TURN)
    world.broken.clear()
    way.go(world, world.client(), TURN, begin=1)
    assert not world.node(NODE).unschedulable


@pytest.mark.parametrize("method", ["recycle", "reboot"])
def test_a_note_that_was_taken_off_after_the_drain_is_written_again_before_the_switch(method: str) -> None:
    """Whoever manages the node's annotations did it; what the drain itself did is no illness."""
    world, turn = World(), make_turn(method=method)
    world.players.ill.add("gpu")
    world.daemon_set("gpu")
    empty_for_cilium(world.client(), turn)
    world.change_node(NODE, annotations={NOT_READY_BEFORE: None})
    world.broken.add("dns://")
    for _ in range(2):
        with pytest.raises(OperationError, match="fresh pod → DNS"):
            THERE.go(world, world.client(), turn, begin=1)
        assert world.node(NODE).annotations[NOT_READY_BEFORE] == '["DaemonSet default/gpu"]'
    world.broken.clear()
    THERE.go(world, world.client(), turn, begin=1)
    assert step_of(world.node(NODE)) is TurnStep.MIGRATED


def make_ill(world: World, app: str, *, now: bool) -> None:
    """Its pods are not Ready from now on, or from when they are renewed."""
    world.players.ill.add(app)
    for pod in world.pods(node=NODE, app=app) if now else []:
        world.objects.change(pod.path, {"status": {"conditions": [{"type": "Ready", "status": "False"}]}})


@pytest.mark.parametrize("now", [False, True], ids=["by the switch", "by the drain"])
@pytest.mark.parametrize("before", [(), (THERE,)], ids=["there", "back"])
def test_a_pod_that_its_turn_made_ill_is_waited_for_by_every_run_that_goes_on(
    before: tuple[Way, ...], now: bool
) -> None:
    world, turn, way = World(), make_turn(seconds=0.3), BACK if before else THERE
    for each in before:
        each.go(world, world.client(), TURN)
    way.halves[0](world.client(), turn)
    make_ill(world, "logs", now=now)
    for _ in range(2):
        with pytest.raises(OperationError, match=r"default/logs-\d+ is Running, not Ready\. `kubectl get pods"):
            way.go(world, world.client(), turn, begin=1)


def test_where_the_note_is_taken_off_after_the_switch_nobody_is_excused() -> None:
    world, turn = World(), make_turn(seconds=0.3)
    empty_for_cilium(world.client(), turn)
    make_ill(world, "logs", now=False)
    for _ in range(2):
        with pytest.raises(OperationError, match=r"default/logs-\d+ is Running, not Ready"):
            THERE.go(world, world.client(), turn, begin=1)
        world.change_node(NODE, annotations={NOT_READY_BEFORE: None})


def test_a_migrated_node_that_is_mended_does_not_wait_for_who_was_ill_before() -> None:
    world = World()
    world.players.ill.add("gpu")
    world.daemon_set("gpu")
    THERE.go(world, world.client(), TURN)
    machine = world.players.machines[NODE]
    world.players.machines[NODE] = replace(machine, conf=machine.conf | {"00-mine.conf"})
    THERE.go(world, world.client(), TURN, begin=1)
    assert drift(world.client(), TURN) is None


def test_each_half_leaves_its_step_on_the_node() -> None:
    world = World()
    for half, step in zip((*THERE.halves, BACK.halves[0]), ("drained", "migrated", "returning"), strict=True):
        half(world.client(), TURN)
        assert step_of(world.node(NODE)) == step


def test_a_watched_workload_that_is_not_well_ends_the_turn_before_its_last_mark() -> None:
    world, turn = World(), replace(TURN, watched=("DaemonSet default/none",), watched_timeout_seconds=0.1)
    with pytest.raises(OperationError, match=r"after its turn: not within 0 s: DaemonSet default/none does not exist"):
        THERE.go(world, world.client(), turn)
    node = world.node(NODE)
    assert (step_of(node), node.unschedulable) == (TurnStep.SWITCHING, False)


def test_what_came_of_a_turn_is_seen_on_the_node() -> None:
    world = World()
    assert drift(world.client(), TURN) == "its turn is not complete (not begun)"
    THERE.go(world, world.client(), TURN)
    assert drift(world.client(), TURN) is None
    machine = world.players.machines[NODE]
    world.players.machines[NODE] = replace(machine, conf=machine.conf | {"00-mine.conf"})
    assert drift(world.client(), TURN) == f"{CNI_CONF} is not in charge of its CNI any more"
    world.change_node(NODE, labels={MIGRATED_LABEL: None})
    assert drift(world.client(), TURN) == f"label {MIGRATED_LABEL} was removed"
    mark(world.client(), NODE, TurnStep.RETURNING)
    assert drift(world.client(), TURN) == "its turn is not complete (returning)"


def test_what_was_changed_by_hand_is_mended_by_the_second_half() -> None:
    world = World()
    THERE.go(world, world.client(), TURN)
    wanted = world.state(NODE)
    machine = world.players.machines[NODE]
    world.players.machines[NODE] = replace(machine, conf=machine.conf | {"00-mine.conf"})
    THERE.go(world, world.client(), TURN, begin=1)
    assert world.state(NODE) == {**wanted, "conf": sorted([*wanted["conf"], "00-mine.conf.cilium_bak"])}


def test_a_node_that_was_never_switched_is_given_back_as_it_is() -> None:
    """Its agent, its CNI conf and its pods were never touched, and are not on the way back either."""
    world = World()
    before = world.state(NODE)
    empty_for_cilium(world.client(), TURN)
    world.done.clear()
    BACK.go(world, world.client(), TURN, begin=1)
    assert world.done == [f"uncordon {NODE}"]
    assert {**world.state(NODE), "pods": []} == {**before, "pods": []}


def test_a_turn_that_is_asked_to_stop_ends_its_wait_at_once() -> None:
    world = World()
    stopping.set()
    try:
        with pytest.raises(OperationError, match="worker-1: stopped as asked in step 'drain'; it stays as it is"):
            THERE.go(world, world.client(), TURN)
    finally:
        stopping.clear()
    assert step_of(world.node(NODE)) == TurnStep.DRAINING
    THERE.go(world, world.client(), TURN)


def test_an_agent_that_is_down_in_its_nodes_reboot_is_waited_for() -> None:
    """A run was broken off after it had asked for the reboot; the next one comes while the node is down."""
    world, turn = World(), make_turn(method="reboot")
    empty_for_cilium(world.client(), turn)
    mark(world.client(), NODE, TurnStep.SWITCHING, **{BOOT_ID: world.node(NODE).boot_id})
    world.deaf = ("cilium",)
    back = threading.Timer(0.3, lambda: setattr(world, "deaf", ()))
    back.start()
    move_to_cilium(world.client(), turn)
    back.join()
    assert world.state(NODE)["marks"] == {STEP: "migrated"}


def test_an_agent_that_never_answers_after_a_reboot_is_named() -> None:
    world, turn = World(), make_turn(method="reboot", seconds=0.3)
    empty_for_cilium(world.client(), turn)
    mark(world.client(), NODE, TurnStep.SWITCHING, **{BOOT_ID: world.node(NODE).boot_id})
    world.deaf = ("cilium",)
    with pytest.raises(OperationError, match=r"node worker-1: its Cilium agent answers, after a reboot .*`pulumi up`"):
        move_to_cilium(world.client(), turn)

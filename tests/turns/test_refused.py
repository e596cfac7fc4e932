"""Refusals that end a turn: said in one text, with the node as it must be left then, and done once that is mended."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from components.operations.deadline import OperationError
from components.operations.objects.model import MIRROR_ANNOTATION
from components.operations.turn import Turn, empty_for_cilium, empty_for_return
from components.operations.turn_annotations import step_of
from components.operations.turn_steps.verification import is_fresh_pod
from scripts.lab.simulated.nodes.machines import flannel_started
from stacks.values import CNI_CONF
from tests.turns.fake_controllers import CILIUM, CILIUM_API
from tests.turns.running_a_turn import BACK, NODE, THERE, Way, make_turn
from tests.turns.world import World

MIRROR = {MIRROR_ANNOTATION: "x"}
SHORT = make_turn(seconds=0.3)
BLOCKS = f"{CILIUM_API}/ciliumnodes/{NODE}"
LIVE = f"/api/v1/namespaces/{CILIUM}/configmaps/cilium-config"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A way to make it, what is told, and what of a turn's deeds may not happen any more."""

    name: str
    make: Callable[[World], object]
    said: str
    never: tuple[str, ...]
    turn: Turn = SHORT


def _two_blocks(world: World) -> None:
    blocks = ["10.245.1.0/24", "10.245.9.0/24"]
    world.objects.change(BLOCKS, {"spec": {"ipam": {"podCIDRs": blocks}}})


def _no_place_elsewhere(world: World) -> None:
    for name in ("worker-2", "worker-3"):
        world.change_node(name, unschedulable=True)


TOUCHED = ("end web", "end cilium", "end logs", "uncordon")
FAULTS = (
    Fault(
        name="a pod of nobody",
        make=lambda world: world.pod("lone", node=NODE),
        said="worker-1 is not drained, nothing was evicted:\n  pod default/lone has no controller",
        never=TOUCHED,
    ),
    Fault(
        name="a pod of nobody, in place",
        make=lambda world: world.pod("lone", node=NODE),
        said="nothing was evicted:\n  pod default/lone has no controller",
        never=(*TOUCHED, "cordon"),
        turn=make_turn(in_place=True),
    ),
    Fault(
        name="a budget that never lets go",
        make=lambda world: world.budget("web", available=3),
        said=r"pod default/web-1: not evicted within 0 s: budget default/web needs 3 available, has 3",
        never=TOUCHED,
    ),
    Fault(
        name="no place elsewhere",
        make=_no_place_elsewhere,
        said="replacements of its pods on other nodes: not within 0 s: ReplicaSet default/web has 2 of 3 pods Ready",
        never=("end cilium", "uncordon"),
    ),
    Fault(
        name="an old CNI that insists",
        make=lambda world: setattr(world.players, "insists", True),
        said=f"{CNI_CONF} is the only CNI conf: not within 0 s: the active files are {CNI_CONF}, 10-flannel",
        never=("end logs", "uncordon"),
    ),
    Fault(
        name="an agent that never gets Ready",
        make=lambda world: world.players.ill.add("cilium"),
        said="Cilium agent re-created and Ready: not within 0 s",
        never=("end logs", "uncordon"),
    ),
    Fault(
        name="a static pod",
        make=lambda world: world.pod("proxy", node=NODE, annotations=MIRROR),
        said="static pods default/proxy keep their old address until the node restarts",
        never=("end logs", "uncordon"),
    ),
    Fault(
        name="a flow out that is broken",
        make=lambda world: world.broken.add("10.96.0.1"),
        said=r"stays cordoned: 1 of 11 flows .* are broken:\n  fresh pod → API server: no answer",
        never=("uncordon",),
    ),
    Fault(
        name="a flow in that is broken",
        make=lambda world: world.broken.add("→ fresh pod, full-size"),
        said=r"2 of 11 flows .* are broken:\n  pod on worker-2 \(the other network, \S+\) → fresh pod, full-size",
        never=("uncordon",),
    ),
    Fault(
        name="a flow that is broken, in place",
        make=lambda world: world.broken.add("dns://"),
        said=r"1 of 11 flows .* are broken:\n  fresh pod → DNS",
        never=("uncordon", "end web", "end logs"),
        turn=make_turn(in_place=True),
    ),
    Fault(
        name="neighbours that can't be asked",
        make=lambda world: setattr(world, "deaf", ("probe",)),
        said="none of its neighbours' pods can be asked whether they reach it",
        never=("uncordon",),
    ),
    Fault(
        name="no route",
        make=_two_blocks,
        said=r"no route to its pod CIDR 10.245.9.0/24 through cilium_host; it has 10.245.1.0/24",
        never=("uncordon",),
    ),
    Fault(
        name="a pod of another network",
        make=lambda world: None,
        said="a fresh pod got 10.245.1.10, which is not of Cilium's pool 10.99.0.0/16",
        never=("uncordon", "end web"),
        turn=replace(make_turn(in_place=True), cilium_network="10.99.0.0/16"),
    ),
    Fault(
        name="a reboot that does not happen",
        make=lambda world: setattr(world.players, "reboots", False),
        said="back from its reboot: not within 0 s: its boot ID is still worker-1-boot-1",
        never=("uncordon", "end logs"),
        turn=make_turn(method="reboot", seconds=0.3),
    ),
    Fault(
        name="a command that fails",
        make=lambda world: None,
        said="worker-1 stays cordoned: restart.command ended with 3: no",
        never=("uncordon", "end logs"),
        turn=replace(SHORT, restart=replace(SHORT.restart, method="command", command="sh -c 'echo no; exit 3' {node}")),
    ),
    Fault(
        name="nobody who renews the pods",
        make=lambda world: None,
        said="its pods have addresses of Cilium: not within 0 s: 2 have not",
        never=("uncordon", "end logs"),
        turn=make_turn(method="none", seconds=0.3),
    ),
)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_the_way_there_ends_there(fault: Fault) -> None:
    world = World()
    fault.make(world)
    world.done.clear()
    with pytest.raises(OperationError, match=fault.said):
        THERE.go(world, world.client(), fault.turn)
    assert [each for each in world.done if each.startswith(fault.never)] == []
    assert not [pod for pod in world.pods() if is_fresh_pod(pod)], "what verifies a node is always removed"


def test_a_neighbour_in_its_own_turn_says_nothing_of_this_node() -> None:
    world = World()
    empty_for_cilium(world.client(), replace(make_turn(), node="worker-2"))
    world.change_node("worker-2", annotations={"cni-live-migration/step": "switching"})
    world.broken.add("worker-2")
    THERE.go(world, world.client(), make_turn())
    assert not world.node(NODE).unschedulable


def test_no_node_goes_back_while_cilium_manages_every_node() -> None:
    world = World()
    THERE.go(world, world.client(), SHORT)
    before, client = world.state(NODE), world.client()
    world.objects.change(LIVE, {"data": {"custom-cni-conf": "false"}})
    with pytest.raises(OperationError, match=r"worker-1 stays on Cilium: .* `pulumi config set phase migrate`"):
        empty_for_return(client, SHORT)
    assert (world.state(NODE), client.requests) == (before, [])


def test_a_node_without_an_old_conf_stays_on_cilium() -> None:
    """At no moment is it without a CNI conf, which would make it NotReady."""
    world = World()
    THERE.go(world, world.client(), SHORT)
    machine = world.players.machines[NODE]
    world.players.machines[NODE] = replace(machine, conf=frozenset({CNI_CONF}))
    world.done.clear()
    with pytest.raises(
        OperationError,
        match=r"script restore_cni_conf failed \(exit code 1\): \S+ holds no conf of the old CNI to go back to; 05",
    ):
        BACK.go(world, world.client(), SHORT)
    assert world.players.machines[NODE].conf == {CNI_CONF}
    assert not [each for each in world.done if each.startswith(("end logs", "uncordon"))]
    # What the error asks for: the old network's pod starts anew.
    machine = world.players.machines[NODE]
    world.players.machines[NODE] = flannel_started(machine, interface="flannel.1", port=8472)
    BACK.go(world, world.client(), SHORT, begin=1)
    assert step_of(world.node(NODE)) is None


def test_a_static_pod_goes_back_once_the_node_was_restarted_as_it_is_told() -> None:
    """No setting restarts a node on its way back, so none is named."""
    world, turn = World(), make_turn(method="reboot", seconds=0.3)
    world.pod("proxy", node=NODE, annotations=MIRROR)
    THERE.go(world, world.client(), turn)
    with pytest.raises(OperationError, match=r"static pods default/proxy .* restart worker-1 yourself") as told:
        BACK.go(world, world.client(), turn)
    assert "restart.method" not in str(told.value)
    assert world.node(NODE).unschedulable
    world.players.restart(NODE)
    BACK.go(world, world.client(), turn, begin=1)
    assert {pod.address.rpartition(".")[0] for pod in world.pods(node=NODE, app="proxy")} == {"10.244.1"}
    assert not world.node(NODE).unschedulable


@pytest.mark.parametrize("before", [(), (THERE,)], ids=["there", "back"])
def test_a_workload_that_was_ill_before_is_not_waited_for(before: tuple[Way, ...]) -> None:
    world = World()
    for way in before:
        way.go(world, world.client(), SHORT)
    world.players.ill.add("gpu")
    world.daemon_set("gpu")
    (BACK if before else THERE).go(world, world.client(), SHORT)
    assert not world.node(NODE).unschedulable

"""A verification that begins while the agent of a restarted node is on its way still."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from components.operations.deadline import OperationError
from components.operations.progress import Progress
from components.operations.turn_annotations import TurnStep, step_of
from components.operations.turn_steps.verification import Verified, verify_node
from stacks.values import MIGRATED_LABEL
from tests.turns.running_a_turn import NODE, THERE, make_turn
from tests.turns.world import World

TURN = make_turn(method="reboot", seconds=0.3)


@dataclass
class Coming:
    """A network that comes by what `come` does, `waited` for or there before it was asked for."""

    come: Callable[[], None]
    waited: bool = True

    def network(self) -> bool:
        self.come()
        return self.waited

    def pods(self) -> bool:
        return False


def _verify(world: World, awaited: Coming) -> Verified:
    return verify_node(
        world.client(), NODE, belongs=TURN.on_cilium, network="Cilium's pool", pods=TURN.pods, timeout_seconds=0.3,
        news=Progress(NODE, 1), awaited=awaited,
    )  # fmt: skip


def _switch(world: World) -> None:
    world.change_node(NODE, labels={MIGRATED_LABEL: "true"})
    (agent,) = [pod for pod in world.pods(node=NODE) if "cilium" in pod.name]
    world.objects.remove(agent.path)


def _verifications(world: World) -> list[str]:
    return [each for each in world.done if "verify" in each]


def test_a_pod_that_came_before_the_network_is_made_again_on_it() -> None:
    """The old CNI writes its conf anew at its start, and maybe one that goes before Cilium's."""
    world = World()
    found = _verify(world, Coming(lambda: _switch(world)))
    assert found.address.startswith("10.245.1.")
    assert _verifications(world) == ["start verify", "end verify"] * 2


def test_a_pod_that_came_on_the_network_stays() -> None:
    world = World()
    _switch(world)
    assert _verify(world, Coming(lambda: None)).address.startswith("10.245.1.")
    assert _verifications(world) == ["start verify", "end verify"]


@pytest.mark.parametrize("waited", [False, True])
def test_a_pod_on_the_wrong_network_is_never_verified(waited: bool) -> None:
    world = World()
    with pytest.raises(OperationError, match=r"a fresh pod got 10\.244\.1\.\d+, which is not of Cilium's pool"):
        _verify(world, Coming(lambda: None, waited=waited))
    assert _verifications(world) == ["start verify", "end verify"] * (1 + waited)


@pytest.mark.parametrize("comes", [False, True])
def test_the_fresh_pod_of_a_rebooted_node_is_there_before_its_agent_is_ready(
    comes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And goes with the turn where the agent does not come."""
    world = World()
    restart = world.players.restart

    def restarted(node: str) -> None:
        world.players.ill.add("cilium")
        restart(node)
        world.players.ill.clear()

    def react() -> None:
        if comes and "start verify" in world.done:
            for pod in world.pods(node=NODE):
                if "cilium" in pod.name and not pod.ready:
                    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
                    world.objects.by_path[pod.path]["status"].update(ready)
        world.players.react()

    monkeypatch.setattr(world.players, "restart", restarted)
    world.objects.react = react
    if comes:
        THERE.go(world, world.client(), TURN)
        assert step_of(world.node(NODE)) is TurnStep.MIGRATED
    else:
        with pytest.raises(OperationError, match="Cilium agent Ready: not within 0 s"):
            THERE.go(world, world.client(), TURN)
        assert world.node(NODE).unschedulable
    assert _verifications(world) == ["start verify", "end verify"]

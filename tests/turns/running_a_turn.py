"""A node's turn and its way back as the engine has them done: halves, with the label set or taken off in between."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from components.operations.cluster_api.api import Cluster
from components.operations.turn import Turn, empty_for_cilium, empty_for_return, move_to_cilium, return_to_source
from components.operations.turn_steps.restart import Restart
from components.pods import OurPods
from components.strategies.hybrid.recipe import RECIPE
from stacks.sections.node import DrainSettings
from stacks.values import CNI_CONF, MIGRATED_LABEL
from tests.turns.api import Client, KilledError
from tests.turns.fake_controllers import CILIUM
from tests.turns.world import World

NODE = "worker-1"
PODS = OurPods(image="example")
Half = Callable[[Cluster, Turn], object]


def make_turn(*, method: str = "recycle", in_place: bool = False, seconds: float = 3, **drain: Any) -> Turn:
    """The turn of one node from Flannel, with little patience."""
    options = {"timeout_seconds": seconds, "replacements_timeout_seconds": seconds, "in_place": in_place, **drain}
    return Turn(
        node=NODE, recipe=RECIPE, cilium_namespace=CILIUM, cilium_network="10.245.0.0/16", cni_conf=CNI_CONF,
        cni_folder="/etc/cni/net.d", label=MIGRATED_LABEL, source_title="Flannel", source_networks=("10.244.0.0/16",),
        drain=DrainSettings.model_construct(**options),
        restart=Restart(
            method=method, command="", timeout_seconds=seconds, agent_timeout_seconds=seconds, cilium_namespace=CILIUM,
            pods=PODS,
        ),
        agent_timeout_seconds=seconds, verify_timeout_seconds=seconds, pods=PODS,
    )  # fmt: skip


@dataclass(frozen=True)
class Way:
    """One way, there or back: its halves, and the label that the engine writes between them."""

    name: str
    halves: tuple[Half, Half]
    label: str | None

    def go(self, world: World, client: Client, turn: Turn, *, begin: int = 0) -> None:
        """All of it, or from the second half on, as for an engine that has the first one in its state."""
        for number in range(begin, len(self.halves)):
            if number == 1 and self.label:
                world.change_node(turn.node, labels={turn.label: self.label})
            self.halves[number](client, turn)

    def go_until_killed(self, world: World, turn: Turn, *, writes: int) -> int | None:
        """The same by a run that is killed after so many writes; the half it was in, None if it came to its end."""
        client = world.client(killed_after=writes)
        for number in range(len(self.halves)):
            try:
                if number == 1 and self.label:
                    world.change_node(turn.node, labels={turn.label: self.label})
                self.halves[number](client, turn)
            except KilledError:
                return number
        return None


THERE = Way("there", (empty_for_cilium, move_to_cilium), "true")
BACK = Way("back", (empty_for_return, return_to_source), None)  # the way back takes the label off itself

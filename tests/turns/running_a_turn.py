"""A node's turn and its way back, as the engine has them done."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from components.operations.cluster_api.api import Cluster
from components.operations.turn import (
    Turn,
    empty_for_cilium,
    empty_for_return,
    go_back,
    go_there,
    move_to_cilium,
    return_to_source,
)
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
    """One way, there or back: as a whole, as the engine has it done, and its halves."""

    name: str
    whole: Half
    halves: tuple[Half, Half]

    def go(self, _world: World, client: Client, turn: Turn, *, begin: int = 0) -> None:
        """All of it, or the second half alone."""
        (self.halves[1] if begin else self.whole)(client, turn)

    def is_killed(self, world: World, turn: Turn, *, writes: int) -> bool:
        """The same by a run that is killed after so many writes; False if it came to its end."""
        try:
            self.whole(world.client(killed_after=writes), turn)
        except KilledError:
            return True
        return False


THERE = Way("there", go_there, (empty_for_cilium, move_to_cilium))
BACK = Way("back", go_back, (empty_for_return, return_to_source))

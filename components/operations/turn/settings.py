"""The settings of a node's turn."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from components.operations.objects.model import Pod
from components.operations.turn_steps.restart import Restart
from components.pods import OurPods
from stacks.sections.node import DrainSettings

if TYPE_CHECKING:
    from components.operations.turn.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class Turn:
    """Everything about one node's turn; times in seconds. `cni_folder` is where the node has its CNI confs.

    `label` is the key of the label that switches the node to Cilium's network.
    """

    node: str
    recipe: "Recipe[Any]"
    cilium_namespace: str
    cilium_network: str
    cni_conf: str
    cni_folder: str
    label: str
    source_title: str
    source_networks: tuple[str, ...]
    drain: DrainSettings
    restart: Restart
    agent_timeout_seconds: float
    verify_timeout_seconds: float
    pods: OurPods
    watched: tuple[str, ...] = ()
    watched_timeout_seconds: float = 300
    hold: bool = False

    def on_cilium(self, pod: Pod) -> bool:
        """True if the pod has an address of Cilium's pool."""
        return pod.address_in(self.cilium_network)

    def not_on_cilium(self, pod: Pod) -> bool:
        """True if the pod has no address of Cilium's pool."""
        return not self.on_cilium(pod)

    def on_source(self, pod: Pod) -> bool:
        """True if the pod has an address of the old network."""
        return any(pod.address_in(network) for network in self.source_networks)

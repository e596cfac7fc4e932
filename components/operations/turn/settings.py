"""What a node's turn needs to know."""

from dataclasses import dataclass

from components.operations.drain_plan import DrainOptions
from components.operations.model import Pod
from components.operations.restart import Restart
from components.pods import OurPods


@dataclass(frozen=True, kw_only=True)
class Turn:
    """Everything about one node's turn; times in seconds."""

    node: str
    cilium_namespace: str
    cilium_network: str
    cni_conf: str
    label: str
    source_title: str
    source_networks: tuple[str, ...]
    drain: DrainOptions
    restart: Restart
    agent_timeout_seconds: float
    verify_timeout_seconds: float
    pods: OurPods
    watched: tuple[str, ...] = ()
    watched_timeout_seconds: float = 300
    hold: bool = False

    def on_cilium(self, pod: Pod) -> bool:
        """Whether the pod has an address of Cilium's pool."""
        return pod.address_in(self.cilium_network)

    def on_source(self, pod: Pod) -> bool:
        """Whether the pod has an address of the old network."""
        return any(pod.address_in(network) for network in self.source_networks)

    @property
    def more_there(self) -> int:
        """The number of steps of the way there beyond those of every turn."""
        return bool(self.watched) + (self.drain.in_place and self.restart.method in ("reboot", "command"))

    @property
    def more_back(self) -> int:
        """The same of the way back."""
        return int(self.drain.in_place)

"""What must be known of a cluster to settle Cilium's network; nothing else of it matters to the choice."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

KUBELETS_PODS = 110


@dataclass(frozen=True, kw_only=True)
class OldNetwork:
    """The network that is there: `udp_port` of its tunnel, `mtu` of its pods, `links` that it makes on every node."""

    title: str
    encapsulation: str = ""
    udp_port: int | None = None
    mtu: int | None = None
    links: tuple[str, ...] = ()
    pod_networks: tuple[str, ...] = ()

    @property
    def families(self) -> set[int]:
        """The address families of its pods; empty where its networks are not known."""
        return {6 if ":" in network else 4 for network in self.pod_networks}


@dataclass(frozen=True, kw_only=True)
class Used:
    """A network, or one address, with what uses it."""

    network: str
    user: str


@dataclass(frozen=True, kw_only=True)
class ClusterNetwork:
    """The cluster as far as the choice depends on it.

    `most_pods` is the largest number that a kubelet allows. `near` are networks that are probably in use: avoided where
    that is possible. `uplinks` has, for each node that was looked at, the devices that lead to other nodes and out,
    with their MTU. `host_ports` names pods that ask for a port of their node. `live` is the ConfigMap of a Cilium that
    is installed, `recorded` what was settled before.
    """

    old: OldNetwork
    nodes: int = 0
    most_pods: int = KUBELETS_PODS
    used: tuple[Used, ...] = ()
    near: tuple[Used, ...] = ()
    udp_ports: Mapping[int, str] = field(default_factory=dict)
    uplinks: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    host_ports: tuple[str, ...] = ()
    node_config_versions: tuple[str, ...] = ()
    live: Mapping[str, str] | None = None
    recorded: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

"""Facts about a cluster that the choice of Cilium's network depends on; it depends on nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stacks.addresses import NOTHING_KNOWN, Register
from stacks.settle.folders import Folder

KUBELETS_PODS = 110
VXLAN_V6 = "vxlan6"  # VXLAN over IPv6
Terms = tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, kw_only=True)
class OldNetwork:
    """The old network: `udp_port` of its tunnel, `mtu` of its pods, `links` that it creates on every node.

    `encryption` is its encryption, if any, and `encrypted_mtu` the MTU with it. `beside` has its further tunnels as
    pairs of kind and MTU.
    """

    title: str
    encapsulation: str = ""
    udp_port: int | None = None
    mtu: int | None = None
    encryption: str = ""
    encrypted_mtu: int | None = None
    beside: tuple[tuple[str, int], ...] = ()
    links: tuple[str, ...] = ()
    pod_networks: tuple[str, ...] = ()

    @property
    def families(self) -> set[int]:
        """The address families of its pods; empty where its networks are not known."""
        return {6 if ":" in network else 4 for network in self.pod_networks}


@dataclass(frozen=True, kw_only=True)
class LiveAgents:
    """The DaemonSet of an installed Cilium: its node affinity terms, and whether its agents leave AWS rules alone."""

    node_terms: Terms = ()
    leave_aws_rules: bool = False


@dataclass(frozen=True, kw_only=True)
class ClusterNetwork:
    """Every fact about the cluster that the choice depends on.

    `most_pods` is the largest number of pods that a kubelet allows. `addresses` that are only likely to be in use are
    avoided if possible. For each node that was inspected, `uplinks` has the devices that lead to other nodes and out
    of the cluster, with their MTU, and `besides` the further devices that Cilium would select by itself; `kinds` has
    the devices that are a bridge or a tunnel. `host_ports` names pods with a hostPort. `folders` are those of CNI confs
    and of plugins. `read_only` names an operating system of the nodes that forbids pods to load modules or to mount,
    such as Talos. `aws_rules` is true if AWS VPC CNI runs. `agents` and `live` are the DaemonSet and the ConfigMap of
    an installed Cilium, `recorded` are earlier choices.
    """

    old: OldNetwork
    nodes: int = 0
    most_pods: int = KUBELETS_PODS
    addresses: Register = NOTHING_KNOWN
    udp_ports: Mapping[int, str] = field(default_factory=dict)
    uplinks: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    besides: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)
    host_ports: tuple[str, ...] = ()
    folders: Mapping[str, Folder] = field(default_factory=dict)
    read_only: str = ""
    virtual_nodes: tuple[str, ...] = ()
    aws_rules: bool = False
    agents: LiveAgents | None = None
    node_config_versions: tuple[str, ...] = ()
    live: Mapping[str, str] | None = None
    recorded: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

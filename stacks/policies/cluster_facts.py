"""Facts about a cluster that decide the meaning of its policies."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from stacks.addresses import NOTHING_KNOWN, Entry, Kind, Network, Register
from stacks.policies.identity_labels import LabelFilter
from stacks.policies.reading.networks import network


@dataclass(frozen=True, kw_only=True)
class OldSetting:
    """A setting of the old engine that applies to every pod and ends with that engine, and the object that has it."""

    kind: str
    name: str
    reason: str
    namespace: str = ""


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """Addresses of pods and nodes under the old engine, namespaces, and the engine that enforces policies today.

    `engine` is that engine's name, empty without one; `calico` is true if it enforces Calico's own policies and
    matches a network in a policy by address, as Felix does, including addresses of pods and nodes.
    `external_addresses` are the nodes' ExternalIPs, `tunnel_addresses` their addresses in the old network itself;
    `labels` are the labels that Cilium can select by. `addresses` are others within the cluster: on nodes' devices,
    of Services, of load balancers and of the API server. `cidr_means_nodes` is Cilium's policyCIDRMatchMode.
    `settings` are engine settings with the effect of a policy; `read_last` is a policy that the old engine may
    evaluate after all of Calico's own, empty without one.
    """

    pod_networks: tuple[str, ...]
    node_addresses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    external_addresses: frozenset[str] = frozenset()
    namespaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    engine: str = ""
    calico: bool = False
    tunnel_addresses: tuple[str, ...] = ()
    sctp: bool = False
    labels: LabelFilter = field(default_factory=LabelFilter)
    cidr_means_nodes: bool = False
    settings: tuple[OldSetting, ...] = ()
    read_last: str = ""
    addresses: Register = NOTHING_KNOWN

    @cached_property
    def pods(self) -> tuple[Network, ...]:
        """The old pod networks."""
        return tuple(network(each) for each in self.pod_networks)

    @cached_property
    def nodes(self) -> Register:
        """Each address of each node."""
        return Register(
            Entry(network=network(each), kind=Kind.NODE, user=f"node {name}", owner=name)
            for name, addresses in self.node_addresses.items()
            for each in addresses
        )

    @cached_property
    def told_to_pods(self) -> tuple[Entry, ...]:
        """Addresses on nodes that pods are told to use: name servers and virtual addresses."""
        return self.addresses.of(Kind.LOCAL_DNS, Kind.VIRTUAL)

    @cached_property
    def families(self) -> frozenset[int]:
        """The IP versions that pods have."""
        return frozenset(each.version for each in self.pods)

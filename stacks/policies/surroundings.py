"""What of a cluster decides how its policies are meant."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from stacks.policies.networks import Network, network


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """Addresses of pods and nodes under the old engine, namespaces, and who enforces policies today.

    `engine` is how that is called, empty if nobody does; `calico` whether it reads Calico's own policies and takes a
    network in a policy for every address in it, as Felix does, pods' and nodes' included. `tunnel_addresses` are those
    that nodes have in the old network itself.
    """

    pod_networks: tuple[str, ...]
    node_addresses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    namespaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    engine: str = ""
    calico: bool = False
    tunnel_addresses: tuple[str, ...] = ()
    sctp: bool = False

    @cached_property
    def pods(self) -> tuple[Network, ...]:
        """The old pod networks."""
        return tuple(network(each) for each in self.pod_networks)

    @cached_property
    def nodes(self) -> tuple[Network, ...]:
        """Each address of each node."""
        return tuple(network(each) for addresses in self.node_addresses.values() for each in addresses)

    @cached_property
    def families(self) -> frozenset[int]:
        """The IP versions that pods have."""
        return frozenset(each.version for each in self.pods)

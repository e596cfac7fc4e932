"""The nodes in a rule's networks, which Cilium matches by identity, whichever of their addresses is named."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from stacks.addresses import Entry, Kind, Network
from stacks.policies.cluster_facts import Surroundings
from stacks.policies.model import Peers
from stacks.policies.reasons import InexpressibleError, one_family

_SHOWN = 3
_API_SERVER, _EXTERNAL = "kube-apiserver", "ExternalIP"


@dataclass(kw_only=True)
class NodesMeant:
    """The nodes' addresses that remain as a rule's networks are applied one after the other."""

    surroundings: Surroundings
    left: list[Entry] = field(init=False)
    taken: list[Entry] = field(default_factory=list)
    narrowed: Sequence[Network] | None = None

    def __post_init__(self) -> None:
        self.left = list(self.surroundings.nodes.entries)

    def within(self, networks: Sequence[Network]) -> None:
        """Keep only those in the networks."""
        there = self._in(networks)
        self.left = [each for each in self.left if id(each) in there]
        self.narrowed = [*(self.narrowed or ()), *networks]

    def without(self, networks: Sequence[Network]) -> None:
        """Remove those in the networks."""
        away = self._in(networks)
        self.taken += [each for each in self.left if id(each) in away]
        self.left = [each for each in self.left if id(each) not in away]

    def decide(self, peers: Peers) -> Peers:
        """The peers with the nodes that are meant. Raises InexpressibleError if Cilium cannot express them."""
        whole = self.surroundings.nodes.entries
        if not whole or not self.left or len(self.left) == len(whole):
            return replace(peers, nodes=bool(self.left) or (not whole and self.narrowed is None))
        if self.surroundings.cidr_means_nodes:
            own = "no exception holds one of its" if self.taken else "one of its is named"
            also = (
                f"{self._some(self.left)}: meant by address, as policyCIDRMatchMode is nodes; the pod's own where {own}"
            )
            return replace(peers, nodes=False, told=(*peers.told, also), wider=True)
        if self.taken:
            raise InexpressibleError(
                f"it leaves out {self._some(self.taken)} and holds {self._some(self.left)}: Cilium tells nodes by "
                "identity, not by address, and would mean all of a node or nothing; set policyCIDRMatchMode to [nodes] "
                "in cilium.values, which means nodes by address, or say in a CiliumNetworkPolicy whether `host` and "
                "`remote-node` are meant"
            )
        owners = {each.owner for each in self.left}
        if owners == {each.owner for each in whole}:
            return replace(peers, nodes=True, told=(*peers.told, self._also(whole)), wider=True)
        if owners == self._with_api_servers():
            also = f"{self._some(self.left)}: all nodes that the API server runs on, to Cilium `{_API_SERVER}`"
            return replace(peers, nodes=False, entities=frozenset({_API_SERVER}), told=(*peers.told, also), wider=True)
        guilty = next(each for each in self.narrowed or () if not self._in([each]).isdisjoint(map(id, self.left)))
        raise InexpressibleError(
            f"{guilty} holds the addresses of some nodes, and Cilium tells nodes by identity, not by address; "
            "select them by entities"
        )

    def _with_api_servers(self) -> set[str]:
        """The nodes that the API server runs on; none if it also runs elsewhere, or is not known."""
        servers = [each for each in self.surroundings.addresses.of(Kind.API_SERVER) if each.owner]
        found = [self.surroundings.nodes.touching(each.network) for each in servers]
        return {each.owner for there in found for each in there} if all(found) else set()

    def _in(self, networks: Iterable[Network]) -> set[int]:
        """The entries in the networks, by object identity: hashing thousands of them for each rule takes seconds."""
        return {id(entry) for each in networks for entry in self.surroundings.nodes.touching(each)}

    def _also(self, whole: Sequence[Entry]) -> str:
        """A note on further addresses of the same nodes that are meant in addition to the named ones."""
        left = set(map(id, self.left))
        others = [each for each in whole if id(each) not in left]
        families = {each.network.version for each in self.left}
        if len(families) == 1 and families.isdisjoint(each.network.version for each in others):
            return one_family("node", families.pop())
        return (
            f"to Cilium a node is one identity, whichever address is named: {self._some(self.left)} means "
            f"{self._some(others)} too"
        )

    def _some(self, entries: Iterable[Entry]) -> str:
        external = self.surroundings.external_addresses
        named = []
        for each in entries:
            address = str(each.network.network_address)
            named.append(
                f"{address} ({_EXTERNAL} of {each.owner})" if address in external else f"{address} of {each.owner}"
            )
        return ", ".join(named[:_SHOWN]) + (f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else "")

"""Register entries from the text in objects."""

from collections.abc import Iterator

from components.operations.snapshot import Snapshot
from stacks.addresses import Entry, Kind, Network, Register, networks_of

CILIUM_DEVICES = ("cilium_", "lxc")


def made(text: str, kind: Kind, user: str, *, owner: str = "", likely: bool = False) -> Iterator[Entry]:
    """The entry of a network or an address; none for other text, or for the loopback network."""
    for each in networks_of(text):
        if not each.is_loopback:
            yield Entry(network=each, kind=kind, user=user, owner=owner, likely=likely)


def pools_of_cilium(snapshot: Snapshot) -> Register:
    """The pool of an installed Cilium, and the nodes' blocks of it."""
    live = snapshot.cilium_config or {}
    pools = [live.get("cluster-pool-ipv4-cidr", ""), live.get("cluster-pool-ipv6-cidr", "")]
    texts = [
        *" ".join(pools).replace(",", " ").split(),
        *(each for blocks in snapshot.cilium_pools.values() for each in blocks),
    ]
    return Register(entry for text in texts for entry in made(text, Kind.POD, "Cilium's own pods"))


def inside(network: Network, register: Register) -> bool:
    """True if the whole network is inside one entry of the register."""
    return any(each.network.prefixlen <= network.prefixlen for each in register.touching(network))

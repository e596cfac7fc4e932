"""Routes of nodes through unknown devices."""

import ipaddress
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from components.addresses.entries import inside
from components.operations.snapshot import NodeFacts, Snapshot
from components.sources.description import SourceDescription
from stacks.addresses import Kind, Register

_NO_DEVICE = "*"  # packets to it are dropped
_OF_CNIS = ("cilium_", "lxc", "veth", "cali")


@dataclass(frozen=True, kw_only=True)
class UnknownRoute:
    """An unknown device with the networks routed through it, on these nodes."""

    device: str
    networks: tuple[str, ...]
    nodes: tuple[str, ...]


def unknown_routes(snapshot: Snapshot, source: SourceDescription, addresses: Register) -> Iterator[UnknownRoute]:
    """Each unknown device once; networks of the device itself, of pods and of nodes are left out."""
    pods = Register(each for each in addresses.entries if each.kind in (Kind.POD, Kind.FOREIGN_POD, Kind.NODE))
    seen: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for node, facts in sorted(snapshot.facts.items()):
        # Without recorded addresses (older versions) a device's own network cannot be told from another one.
        if node not in snapshot.linux_names or not facts.addresses:
            continue
        known = {*facts.default_devices, *source.links, *source.encryption_links}
        for network, device in facts.routes:
            leads = ipaddress.ip_network(network)
            nowhere = device == _NO_DEVICE or leads.is_link_local
            placed = nowhere or device in known or device.startswith(_OF_CNIS) or _is_its_own(network, device, facts)
            if not placed and not inside(leads, pods):
                seen[device][network].add(node)
    for device, networks in sorted(seen.items()):
        nodes = sorted({name for names in networks.values() for name in names})
        yield UnknownRoute(device=device, networks=tuple(sorted(networks)), nodes=tuple(nodes))


def _is_its_own(network: str, device: str, facts: NodeFacts) -> bool:
    own = [ipaddress.ip_interface(text).network for name, text in facts.addresses if name == device]
    return any(ipaddress.ip_network(network) == each for each in own)

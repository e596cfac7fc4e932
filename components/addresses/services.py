"""Addresses of Services: cluster IPs, external IPs, and load balancer addresses."""

from collections.abc import Iterator

from components.addresses.entries import inside, made
from components.operations.snapshot import Snapshot
from components.sources.calico.settings import announced_to_peers, peer_addresses
from stacks.addresses import Entry, Kind, Register, networks_of

# Service ranges are seldom smaller; before Kubernetes 1.33 only single Service addresses are known.
_LIKELY_RANGE = {4: 12, 6: 108}


def entries(snapshot: Snapshot) -> Iterator[Entry]:
    """Service ranges, single addresses, and the ranges that Calico announces to its BGP peers."""
    for network in snapshot.service_networks:
        yield from made(network, Kind.SERVICE, "the cluster's Services")
    ranges = Register(each for text in snapshot.service_networks for each in made(text, Kind.SERVICE, ""))
    for service in snapshot.services:
        whose, named = f"Service {service.title}", service.title
        for address in service.addresses:
            if not all(inside(network, ranges) for network in networks_of(address)):
                yield from made(address, Kind.SERVICE, whose, owner=named)
                if not snapshot.service_networks:
                    yield from _likely_range(address, named)
        for address in service.external_addresses:
            yield from made(address, Kind.EXTERNAL, f"{whose} (externalIPs)", owner=named)
        for address in service.clients:
            yield from made(address, Kind.POLICY, f"clients of {whose}", owner=named, likely=True)
        for address in service.balanced_at:
            yield from made(address, Kind.BALANCER, f"{whose} (its load balancer)", owner=named)
    for key, network in announced_to_peers(snapshot):
        kind = Kind.SERVICE if key == "serviceClusterIPs" else Kind.BALANCER
        yield from made(network, kind, f"Services, as Calico announces it to its peers ({key})")
    for name, address in peer_addresses(snapshot):
        yield from made(address, Kind.ROUTER, f"a router that Calico speaks BGP with (BGPPeer {name})")


def _likely_range(address: str, named: str) -> Iterator[Entry]:
    for each in networks_of(address):
        around = each.supernet(new_prefix=_LIKELY_RANGE[each.version])
        yield Entry(network=around, kind=Kind.SERVICE, user=f"probably Services, as {named}", likely=True)

"""Addresses of pods: the old CNI's networks, its further pools, and pods' real addresses."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from components.addresses.entries import inside, made, pools_of_cilium
from components.operations.objects.model import Pod
from components.operations.snapshot import Snapshot
from components.sources.description import SourceDescription
from stacks.addresses import Entry, Kind, Network, Register, is_single, networks_of

_USUAL_BLOCK = {4: 24, 6: 64}
_NEAR = {4: 16, 6: 48}


def entries(snapshot: Snapshot, source: SourceDescription) -> Iterator[Entry]:
    """Networks of pods, and single addresses of pods outside of them."""
    for network in source.pod_networks:
        yield from made(network, Kind.POD, f"the pods of {source.title}")
    strays = _outside(snapshot, source.pod_networks)
    yield from _further_pools(snapshot, strays)
    for node in snapshot.nodes:
        for network in node.pod_cidrs:
            yield from made(network, Kind.POD, f"the pods of node {node.name}", owner=node.name)
    yield from strays.entries
    for pod in snapshot.pods:
        for further in pod.further_addresses:
            user = f"a further network of pod {pod.title}"
            yield Entry(network=further, kind=Kind.FURTHER, user=user, owner=pod.title)
        if pod.on_pod_network and pod.node and pod.node not in snapshot.linux_names:
            for address in _addresses(pod):
                yield from made(address, Kind.FOREIGN_POD, f"pod {pod.title} on node {pod.node}", owner=pod.title)


def told(snapshot: Snapshot) -> Iterator[Entry]:
    """Addresses in pods' settings: name servers, link-local ones on each node included, and host aliases."""
    for pod in snapshot.pods:
        for address in pod.name_servers:
            for network in networks_of(address):
                kind = Kind.LOCAL_DNS if network.is_link_local else Kind.SERVER
                yield from made(address, kind, f"a name server of pod {pod.title}", owner=pod.title)
        for address in pod.host_aliases:
            yield from made(address, Kind.SERVER, f"a host that pod {pod.title} is told of", owner=pod.title)


def pod_networks(register: Register) -> tuple[str, ...]:
    """All networks with pod addresses: the old CNI's first, then those of pods outside of them."""
    named = [each for each in register.of(Kind.POD) if not each.owner and not each.likely]
    blocks = Register(each for each in register.of(Kind.POD) if each.owner and not is_single(each.network))
    found = dict.fromkeys(each.network for each in named)
    whole = Register(named)
    for each in register.of(Kind.POD):
        if is_single(each.network) and not inside(each.network, whole):
            around = blocks.touching(each.network)
            found[around[0].network if around else each.network] = None
    return tuple(map(str, found))


def unexplained(register: Register) -> tuple[Entry, ...]:
    """Addresses of pods outside of the old CNI's networks and of every pool found."""
    pools = Register(each for each in register.of(Kind.POD) if not each.owner)
    return tuple(each for each in register.of(Kind.POD) if is_single(each.network) and not inside(each.network, pools))


def unexplained_ranges(register: Register) -> dict[Network, list[Entry]]:
    """The same, grouped by the smallest network around neighbouring blocks of nodes, or blocks of the usual size."""
    blocks = Register(each for each in register.of(Kind.POD) if each.owner and not is_single(each.network))
    near: dict[Network, dict[Network, list[Entry]]] = defaultdict(lambda: defaultdict(list))
    for each in unexplained(register):
        around = blocks.touching(each.network)
        block = around[0].network if around else each.network.supernet(new_prefix=_USUAL_BLOCK[each.network.version])
        group = min(block.prefixlen, _NEAR[block.version])
        near[block.supernet(new_prefix=group)][block].append(each)
    return {_holding(list(group)): [each for some in group.values() for each in some] for group in near.values()}


def _holding(networks: Sequence[Network]) -> Network:
    """The smallest network that contains all of these, which are of one family."""
    found = networks[0]
    while not all(found[0] <= each[0] <= found[-1] for each in networks):  # type: ignore[operator]
        found = found.supernet()
    return found


def _outside(snapshot: Snapshot, networks: tuple[str, ...]) -> Register:
    """Pod addresses outside of the networks and of Cilium's pool."""
    known = Register(
        [*(entry for each in networks for entry in made(each, Kind.POD, "")), *pools_of_cilium(snapshot).entries]
    )
    return Register(
        Entry(network=network, kind=Kind.POD, user=f"pod {pod.title}", owner=pod.title)
        for pod in snapshot.pods
        if pod.on_pod_network and pod.node in snapshot.linux_names
        for address in _addresses(pod)
        for network in networks_of(address)
        if not inside(network, known)
    )


def _addresses(pod: Pod) -> Iterator[str]:
    if pod.address:
        yield pod.address
    yield from pod.more_addresses


def _further_pools(snapshot: Snapshot, strays: Register) -> Iterator[Entry]:
    """Calico's pools from which pods get no new addresses: disabled ones, and those of tunnels and load balancers."""
    for item in snapshot.calico.get("IPPool", ()):
        spec: Mapping[str, Any] = item.get("spec") or {}
        name, cidr = item["metadata"]["name"], spec.get("cidr") or ""
        uses = spec.get("allowedUses") or ["Workload"]
        if "LoadBalancer" in uses:
            yield from made(cidr, Kind.BALANCER, f"load balancers (IPPool {name})")
        elif "Workload" not in uses:
            yield from made(cidr, Kind.DEVICE, f"the nodes' tunnels (IPPool {name})")
        elif spec.get("disabled"):
            held = any(strays.touching(network) for network in networks_of(cidr))
            user = f"pods of IPPool {name}, which is disabled" if held else f"IPPool {name}, which is disabled"
            yield from made(cidr, Kind.POD, user, likely=not held)

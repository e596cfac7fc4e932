"""Addresses of nodes: their objects', their devices', virtual ones, a name server's on each, and their routes."""

from collections.abc import Iterator

from components.addresses.entries import CILIUM_DEVICES, inside, made, pools_of_cilium
from components.addresses.node_annotations import noted
from components.operations.objects.model import Node
from components.operations.snapshot import Snapshot
from components.sources.description import SourceDescription
from stacks.addresses import Entry, Kind, Register, is_single

_SHORTEST_ROUTE = 4  # VPNs split the default route into halves, which are no networks of their own
_DNS_DEVICE = "nodelocaldns"
_DNS_ADDRESSES, _DNS_DEVICE_NAME = "localip", "interfacename"


def entries(snapshot: Snapshot, known: Register) -> Iterator[Entry]:
    """All addresses of nodes; those seen only on devices are left out if they are `known` already or Cilium's."""
    own = [entry for node in snapshot.nodes for entry in _own(node)]
    yield from own
    local_dns = list(dict.fromkeys(_local_dns(snapshot)))
    yield from local_dns
    explained = Register([*own, *local_dns, *known.entries, *pools_of_cilium(snapshot).entries])
    virtual = [each for each in _virtual(snapshot) if not inside(each.network, explained)]
    yield from virtual
    named = {each.network for each in virtual}
    for each in _on_devices(snapshot):
        if each.network not in named and not inside(each.network, explained):
            yield each
    yield from _networks(snapshot, explained)


def _networks(snapshot: Snapshot, explained: Register) -> Iterator[Entry]:
    """Networks of nodes' devices and routes (any table), each listed for the first node, as most nodes share them."""
    devices: dict[str, tuple[str, str]] = {}
    routes: dict[str, tuple[str, str]] = {}
    for name, facts in snapshot.facts.items():
        for device, text in facts.addresses:
            if not device.startswith(CILIUM_DEVICES):
                devices.setdefault(text, (device, name))
        for text, device in (*facts.routes, *facts.further_routes):
            if not device.startswith(CILIUM_DEVICES):
                routes.setdefault(text, (device, name))
    for text, (device, name) in devices.items():
        for each in made(text, Kind.ROUTE, f"the network of device {device} of node {name}", owner=name):
            if not is_single(each.network) and not inside(each.network, explained):
                yield each
    for text, (device, name) in routes.items():
        for each in made(text, Kind.ROUTE, f"a route of node {name} through {device}", owner=name):
            if each.network.prefixlen >= _SHORTEST_ROUTE:
                yield each


def _own(node: Node) -> Iterator[Entry]:
    for address in node.internal_addresses:
        yield from made(address, Kind.NODE, f"node {node.name} itself", owner=node.name)
    for address in node.external_addresses:
        yield from made(address, Kind.NODE, f"node {node.name} itself (ExternalIP)", owner=node.name)


def _on_devices(snapshot: Snapshot) -> Iterator[Entry]:
    for node in snapshot.nodes:
        yield from noted(node)
    for name, address in _of_pods_on_hosts(snapshot):
        yield from made(address, Kind.DEVICE, f"node {name} (its pods with hostNetwork)", owner=name)
    for name, facts in snapshot.facts.items():
        for device, text in facts.addresses:
            address = text.partition("/")[0]
            if not device.startswith(CILIUM_DEVICES):
                yield from made(address, Kind.DEVICE, f"node {name} (device {device})", owner=name)


def _of_pods_on_hosts(snapshot: Snapshot) -> dict[tuple[str, str], None]:
    """(node, address) of pods on the host network, which also shows nodes' addresses of a second family."""
    return {
        (pod.node, address): None
        for pod in snapshot.pods
        if pod.host_network and pod.node and not pod.finished
        for address in (pod.address, *pod.more_addresses)
        if address
    }


def _virtual(snapshot: Snapshot) -> Iterator[Entry]:
    for pod in snapshot.pods:
        for network in pod.virtual_addresses:
            user = f"a virtual address of nodes (pod {pod.title})"
            yield Entry(network=network, kind=Kind.VIRTUAL, user=user, owner=pod.title)


def _local_dns(snapshot: Snapshot) -> Iterator[Entry]:
    """The addresses of NodeLocal DNS: from its DaemonSet's options, and from its device on each node."""
    devices = {_DNS_DEVICE}
    for item in snapshot.daemon_sets:
        where = f"DaemonSet {item['metadata']['namespace']}/{item['metadata']['name']}"
        for container in item["spec"]["template"]["spec"].get("containers") or []:
            words = [*(container.get("command") or []), *(container.get("args") or [])]
            addresses = list(_option(_DNS_ADDRESSES, words))
            for address in addresses:
                yield from made(address, Kind.LOCAL_DNS, f"NodeLocal DNS ({where})", owner=where)
            if addresses:
                devices.update(_option(_DNS_DEVICE_NAME, words))
    for facts in snapshot.facts.values():
        for device, text in facts.addresses:
            if device in devices:
                user = f"NodeLocal DNS (device {device})"
                yield from made(text.partition("/")[0], Kind.LOCAL_DNS, user, owner=user)


def _option(wanted: str, words: list[str]) -> Iterator[str]:
    """The values of an option, as `-name VALUE` or `--name=VALUE`, with commas between them."""
    for number, word in enumerate(words):
        name, _, value = word.lstrip("-").partition("=")
        if name == wanted and word.startswith("-"):
            yield from (value or "".join(words[number + 1 : number + 2])).split(",")


def reached(source: SourceDescription, known: Register) -> Iterator[Entry]:
    """Destinations in Calico's `can-reach` methods, which no pool may contain, whoever owns them."""
    for method in (source.autodetection, source.autodetection_v6):
        name, _, address = method.partition("=")
        if name == "can-reach":
            user = f"what Calico reaches out for ({method})"
            for each in made(address, Kind.ROUTER, user):
                if not (each.network.is_global or known.touching(each.network)):
                    yield each

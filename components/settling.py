"""From the cluster as it is to what Cilium's network shall be: the facts that `stacks.settle` decides on."""

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from components.operations.model import Node
from components.operations.snapshot import NodeFacts, Snapshot
from components.sources.description import SourceDescription
from components.sources.workload import link_mtu
from stacks.config import CiliumSettings
from stacks.settle import KUBELETS_PODS, Cilium, ClusterNetwork, OldNetwork, Used, settle

_CILIUM_DEVICES = ("cilium_", "lxc")
# Ranges of Services are seldom smaller; before Kubernetes 1.33 only single addresses of theirs are known.
_LIKELY_SERVICE_RANGE = {4: 12, 6: 108}


def settled(cilium: CiliumSettings, *, snapshot: Snapshot, source: SourceDescription) -> Cilium:
    """The settings with nothing left open. Raises SettleError where nothing fits."""
    return settle(cilium, cluster_network(snapshot, source))


def settled_by_record(
    cilium: CiliumSettings, *, title: str, recorded: Mapping[str, Mapping[str, Any]], live: Mapping[str, str] | None
) -> Cilium:
    """The same from what was written down and what runs, where the cluster is not read anew."""
    return settle(cilium, ClusterNetwork(old=OldNetwork(title=title), recorded=recorded, live=live))


def networks_in_use(snapshot: Snapshot, source: SourceDescription) -> Iterator[Used]:
    """Every network in use, with what uses it."""
    for network in source.pod_networks:
        yield Used(network=network, user=f"the pods of {source.title}")
    for network in snapshot.service_networks:
        yield Used(network=network, user="the cluster's Services")
    if not snapshot.service_networks:  # before Kubernetes 1.33 the cluster does not say its range
        for service in snapshot.services:
            for address in service.addresses:
                yield Used(network=address, user=f"Service {service.title}")
    for node in snapshot.nodes:
        for address in node.internal_addresses:
            yield Used(network=address, user=f"node {node.name} itself")
        for network in node.pod_cidrs:
            yield Used(network=network, user=f"the pods of node {node.name}")
    for name, facts in snapshot.facts.items():
        for network, device in facts.routes:
            if not device.startswith(_CILIUM_DEVICES):
                yield Used(network=network, user=f"a route of node {name} through {device}")


def cluster_network(snapshot: Snapshot, source: SourceDescription) -> ClusterNetwork:
    """The cluster as far as the choice depends on it."""
    most_pods = max((state.room.pods for state in snapshot.node_states.values()), default=0)
    host_ports = sorted({pod.title for pod in snapshot.pods if pod.host_ports and not pod.finished})
    return ClusterNetwork(
        old=OldNetwork(
            title=source.title,
            encapsulation=source.encapsulation,
            udp_port=source.udp_port,
            mtu=link_mtu(snapshot, *_links(source)) or source.mtu,
            links=_links(source),
            pod_networks=source.pod_networks,
        ),
        nodes=len(snapshot.nodes),
        most_pods=most_pods or KUBELETS_PODS,
        used=tuple(networks_in_use(snapshot, source)),
        near=tuple(_likely_service_ranges(snapshot)),
        udp_ports=_udp_ports(snapshot),
        uplinks={
            node.name: uplinks(node, snapshot.facts[node.name], old_links=_links(source))
            for node in snapshot.nodes
            if node.name in snapshot.facts
        },
        host_ports=tuple(host_ports),
        node_config_versions=snapshot.node_config_versions,
        live=snapshot.cilium_config,
        recorded=snapshot.settled,
    )


def _links(source: SourceDescription) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for each in (source.interface, *source.links) if each))


def _likely_service_ranges(snapshot: Snapshot) -> Iterator[Used]:
    if not snapshot.service_networks:
        for service in snapshot.services:
            for address in service.addresses:
                length = _LIKELY_SERVICE_RANGE[ipaddress.ip_address(address).version]
                network = ipaddress.ip_network(f"{address}/{length}", strict=False)
                yield Used(network=str(network), user=f"probably Services, as {service.title}")


def _udp_ports(snapshot: Snapshot) -> dict[int, str]:
    """Ports in use on any node, by pods and by whatever was seen there; Cilium's own are not in question here."""
    seen = {port: f"node {name}" for name, facts in snapshot.facts.items() for port in facts.udp_ports}
    pods = {
        port: f"pod {pod.title}"
        for pod in snapshot.pods
        for port in pod.udp_host_ports
        if pod.labels.get("k8s-app") != "cilium"
    }
    return {**seen, **pods}


def uplinks(node: Node, facts: NodeFacts, *, old_links: tuple[str, ...]) -> dict[str, int]:
    """The node's devices that lead to other nodes and out, with their MTU; its own address tells the first."""
    own: dict[str, int] = {}  # device to the length of its best route
    for text, device in facts.routes:
        network = ipaddress.ip_network(text)
        inside = any(_contains(network, each) for each in node.internal_addresses)
        if inside and device not in old_links and not device.startswith(_CILIUM_DEVICES):
            own[device] = max(own.get(device, 0), network.prefixlen)
    best = max(own.values(), default=0)
    names = dict.fromkeys([*(each for each, length in own.items() if length == best), *facts.default_devices])
    return {each: facts.interfaces[each] for each in names if each in facts.interfaces}


def _contains(network: ipaddress.IPv4Network | ipaddress.IPv6Network, address: str) -> bool:
    return ipaddress.ip_address(address) in network

"""Resolves Cilium's settings on a cluster: collects the facts from which `stacks.settle` chooses the open ones."""

import ipaddress
from collections.abc import Mapping
from typing import Any

from components.addresses import register_of
from components.operations.objects.model import Node
from components.operations.snapshot import NodeFacts, Snapshot
from components.sources.description import SourceDescription
from components.sources.distributions.recognition import read_only_system
from components.sources.facts.folders import AGENT, folders
from components.sources.facts.workload import container_with, link_mtu, smallest
from stacks.addresses import Register
from stacks.sections.cilium import CiliumSettings
from stacks.settle import KUBELETS_PODS, Cilium, ClusterNetwork, LiveAgents, OldNetwork, besides, hides_routes, settle
from stacks.virtual_nodes import terms_of

_CILIUM_DEVICES = ("cilium_", "lxc")


def settled(
    cilium: CiliumSettings, *, snapshot: Snapshot, source: SourceDescription, addresses: Register | None = None
) -> Cilium:
    """The fully resolved Cilium settings. Raises SettleError if nothing fits."""
    return settle(cilium, cluster_network(snapshot, source, addresses=addresses))


def settled_by_record(
    cilium: CiliumSettings, *, title: str, recorded: Mapping[str, Mapping[str, Any]], live: Mapping[str, str] | None
) -> Cilium:
    """The fully resolved settings from the record and the live ConfigMap, without reading the cluster again."""
    return settle(cilium, ClusterNetwork(old=OldNetwork(title=title), recorded=recorded, live=live))


def cluster_network(
    snapshot: Snapshot, source: SourceDescription, *, addresses: Register | None = None
) -> ClusterNetwork:
    """The facts of the cluster that the choice depends on; `addresses` is its register if it exists already."""
    most_pods = max((state.room.pods for state in snapshot.node_states.values()), default=0)
    old_links = _links(source)
    beside = {each.link: each for each in source.tunnels}
    tunnels = [each for each in old_links if each not in source.encryption_links and each not in beside]
    ways = {
        node.name: uplinks(node, snapshot.facts[node.name], old_links=old_links)
        for node in snapshot.nodes
        if node.name in snapshot.facts
    }
    host_ports = sorted({pod.title for pod in snapshot.pods if pod.host_ports and not pod.finished})
    return ClusterNetwork(
        old=OldNetwork(
            title=source.title,
            encapsulation=source.encapsulation,
            udp_port=source.udp_port,
            mtu=smallest(link_mtu(snapshot, *tunnels), source.mtu),
            encryption=source.encryption if source.encryption_links else "",
            encrypted_mtu=smallest(link_mtu(snapshot, *source.encryption_links), source.encrypted_mtu),
            beside=tuple(
                (each.kind, size)
                for each in source.tunnels
                if (size := smallest(link_mtu(snapshot, each.link), each.mtu))
            ),
            links=old_links,
            pod_networks=source.pod_networks,
        ),
        nodes=len(snapshot.nodes),
        most_pods=most_pods or KUBELETS_PODS,
        addresses=addresses or register_of(snapshot, source),
        udp_ports=_udp_ports(snapshot),
        uplinks=ways,
        besides={
            name: besides(
                facts.interfaces, routed=_with_routes(facts), known=(*ways[name], *old_links), kinds=facts.kinds
            )
            for name, facts in snapshot.facts.items()
            if name in ways
        },
        kinds={name: kind for facts in snapshot.facts.values() for name, kind in facts.kinds.items()},
        host_ports=tuple(host_ports),
        folders=folders(snapshot, source),
        read_only=read_only_system(snapshot),
        virtual_nodes=tuple(sorted(node.name for node in snapshot.nodes if node.is_virtual)),
        aws_rules=any(container_with(item, "amazon-k8s-cni") for item in snapshot.daemon_sets),
        agents=_agents(snapshot),
        node_config_versions=snapshot.node_config_versions,
        live=snapshot.cilium_config,
        recorded=snapshot.settled,
    )


def _agents(snapshot: Snapshot) -> LiveAgents | None:
    """The DaemonSet of an installed Cilium; None if there is none."""
    if snapshot.cilium_config is None:
        return None
    for item in snapshot.daemon_sets:
        if agent := container_with(item, AGENT):
            affinity = (item["spec"]["template"]["spec"].get("affinity") or {}).get("nodeAffinity") or {}
            hooks = (
                agent.get("lifecycle") or {}
            )  # the chart adds a preStop hook, and an init container that removes rules
            leave = "preStop" in hooks and "postStart" not in hooks
            return LiveAgents(node_terms=terms_of(affinity), leave_aws_rules=leave)
    return None


def _links(source: SourceDescription) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for each in (source.interface, *source.links) if each))


def _udp_ports(snapshot: Snapshot) -> dict[int, str]:
    """UDP ports in use on any node, with their users, by pods and by the inspection; Cilium's own are left out."""
    seen = {port: f"node {name}" for name, facts in snapshot.facts.items() for port in facts.udp_ports}
    pods = {
        port: f"pod {pod.title}"
        for pod in snapshot.pods
        for port in pod.udp_host_ports
        if pod.labels.get("k8s-app") != "cilium"
    }
    return {**seen, **pods}


def uplinks(node: Node, facts: NodeFacts, *, old_links: tuple[str, ...]) -> dict[str, int]:
    """The node's devices towards other nodes and the outside, with their MTU.

    The first has the best route to the node's own address, or else has the address itself, as in networks of single
    addresses; without recorded addresses a VPN's device may be taken for it.
    """
    own: dict[int, dict[str, int]] = {4: {}, 6: {}}  # by family, device to the length of its best route
    for text, device in facts.routes:
        network = ipaddress.ip_network(text)
        inside = any(_contains(network, each) for each in node.internal_addresses)
        if inside and device not in old_links and not device.startswith(_CILIUM_DEVICES):
            lengths = own[network.version]
            lengths[device] = max(lengths.get(device, 0), network.prefixlen)
    best = [each for lengths in own.values() for each in lengths if lengths[each] == max(lengths.values())]
    hidden = [] if best else _at(node, facts) or [each for each in facts.interfaces if hides_routes(each)]
    hidden = [each for each in hidden if each not in old_links]
    names = dict.fromkeys([*best, *hidden, *facts.default_devices])
    return {each: facts.interfaces[each] for each in names if each in facts.interfaces}


def _at(node: Node, facts: NodeFacts) -> list[str]:
    """The devices with one of the node's own addresses."""
    own = {ipaddress.ip_address(each) for each in node.internal_addresses}
    return [device for device, text in facts.addresses if ipaddress.ip_interface(text).ip in own]


def _with_routes(facts: NodeFacts) -> set[str]:
    """The devices with a route, including the kernel's own for each address."""
    addressed = (device for device, text in facts.addresses if not ipaddress.ip_interface(text).is_link_local)
    return {*(device for _, device in facts.routes), *addressed}


def _contains(network: ipaddress.IPv4Network | ipaddress.IPv6Network, address: str) -> bool:
    return ipaddress.ip_address(address) in network

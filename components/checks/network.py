"""Checks of the two networks against each other and against the nodes' own."""

import ipaddress
from collections.abc import Iterator

from components.checks.finding import Context, Finding
from stacks.phases import Phase
from stacks.values import contradictions

_CILIUM_DEVICES = ("cilium_", "lxc")


def _taken(context: Context) -> Iterator[tuple[str, str]]:
    """Every network in use, with what uses it."""
    for network in context.source.pod_networks:
        yield network, f"the pods of {context.source.title}"
    for network in context.snapshot.service_networks:
        yield network, "the cluster's Services"
    for node in context.snapshot.nodes:
        for address in node.internal_addresses:
            yield address, f"node {node.name} itself"
        for network in node.pod_cidrs:
            yield network, f"the pods of node {node.name}"
    for name, facts in context.snapshot.facts.items():
        for network, device in facts.routes:
            if not device.startswith(_CILIUM_DEVICES):
                yield network, f"a route of node {name} through {device}"


def pod_cidr_free(context: Context) -> Iterator[Finding]:
    """Cilium's pool must overlap nothing (cilium#42383, #13766: an overlap cuts connections at install)."""
    pool = ipaddress.ip_network(context.config.cilium.pod_cidr)
    for text, user in _taken(context):
        network = ipaddress.ip_network(text, strict=False)
        if network.version == pool.version and network.overlaps(pool):
            yield Finding(
                evidence=f"cilium.podCidr {pool} overlaps {network}, which is used by {user}",
                remedy="choose a range that nothing uses: `pulumi config set --path cilium.podCidr 10.x.0.0/16`",
            )
            return


def pod_cidr_capacity(context: Context) -> Iterator[Finding]:
    """Each node takes one block of the pool."""
    cilium = context.config.cilium
    blocks = 2 ** (cilium.node_mask_size - ipaddress.ip_network(cilium.pod_cidr).prefixlen)
    if blocks < len(context.snapshot.nodes):
        yield Finding(
            evidence=f"cilium.podCidr {cilium.pod_cidr} holds {blocks} blocks of /{cilium.node_mask_size}, the cluster "
            f"has {len(context.snapshot.nodes)} nodes",
            remedy="choose a larger cilium.podCidr or a larger cilium.nodeMaskSize",
        )


def tunnel_port_free(context: Context) -> Iterator[Finding]:
    """Two tunnels cannot share a UDP port: the second never comes up, yet its agents say Ready (measured)."""
    port = context.config.cilium.tunnel_port
    remedy = "choose a free port: `pulumi config set --path cilium.tunnelPort 8473`"
    source = context.source
    if source.udp_port == port:
        yield Finding(
            evidence=f"cilium.tunnelPort {port} is the UDP port of {source.title} ({source.evidence[-1]})",
            remedy=remedy,
        )
        return
    for pod in context.snapshot.pods:
        if port in pod.udp_host_ports and pod.labels.get("k8s-app") != "cilium":
            yield Finding(
                evidence=f"cilium.tunnelPort {port} is used by pod {pod.title} on node {pod.node}", remedy=remedy
            )
            return
    if context.enters(Phase.SECONDARY):
        busy = [name for name, facts in context.snapshot.facts.items() if port in facts.udp_ports]
        if busy:
            yield Finding(
                evidence=f"cilium.tunnelPort {port} (UDP) is in use on node {', '.join(sorted(busy))}", remedy=remedy
            )


def method_values(context: Context) -> Iterator[Finding]:
    """The user's Helm values may not contradict the method."""
    for fault in contradictions(context.config.cilium):
        yield Finding(
            evidence=f"cilium.values sets {fault.path} to {fault.found!r}, the migration needs {fault.wanted!r}",
            remedy=f"remove it ({fault.reason})",
        )

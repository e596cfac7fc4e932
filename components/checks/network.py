"""Checks of the two networks against each other and against the nodes' own."""

import ipaddress
from collections.abc import Iterator

from components.checks.check import check
from components.checks.context import Context
from components.checks.finding import Found, Severity
from stacks.phases import Phase
from stacks.values import contradictions

_CILIUM_DEVICES = ("cilium_", "lxc")


def _taken(context: Context) -> Iterator[tuple[str, str]]:
    """Every network in use, with what uses it."""
    for network in context.source.pod_networks:
        yield network, f"the pods of {context.source.title}"
    for network in context.snapshot.service_networks:
        yield network, "the cluster's Services"
    if not context.snapshot.service_networks:  # before Kubernetes 1.33 the cluster does not say its range
        for service in context.snapshot.services:
            for address in service.addresses:
                yield address, f"Service {service.title}"
    for node in context.snapshot.nodes:
        for address in node.internal_addresses:
            yield address, f"node {node.name} itself"
        for network in node.pod_cidrs:
            yield network, f"the pods of node {node.name}"
    for name, facts in context.snapshot.facts.items():
        for network, device in facts.routes:
            if not device.startswith(_CILIUM_DEVICES):
                yield network, f"a route of node {name} through {device}"


@check(
    id="pod-cidr-free",
    title="Cilium's pool overlaps nothing",
    severity=Severity.BLOCKER,
    phase=Phase.SECONDARY,
    why=(
        "what shares the pool's addresses cannot be reached any more from the moment that Cilium is installed, a "
        "node's own SSH included (cilium#42383, #13766)"
    ),
    remedy="choose a range that nothing uses: `pulumi config set --path cilium.podCidr 10.x.0.0/16`",
)
def pod_cidr_free(context: Context) -> Iterator[Found]:
    """Cilium's pool must overlap nothing (cilium#42383, #13766: an overlap cuts connections at install)."""
    pool = ipaddress.ip_network(context.config.cilium.pod_cidr)
    for text, user in _taken(context):
        network = ipaddress.ip_network(text, strict=False)
        if network.version == pool.version and network.overlaps(pool):
            yield Found(
                evidence=f"cilium.podCidr {pool} overlaps {network}, which is used by {user}",
            )
            return


@check(
    id="pod-cidr-capacity",
    title="Cilium's pool is large enough",
    severity=Severity.BLOCKER,
    phase=Phase.SECONDARY,
    why=(
        "each node takes one block of the pool; one that gets none never becomes Ready, and the pool cannot be "
        "changed later (cilium#27164)"
    ),
    remedy="choose a larger cilium.podCidr or a larger cilium.nodeMaskSize",
)
def pod_cidr_capacity(context: Context) -> Iterator[Found]:
    """Each node takes one block of the pool."""
    cilium = context.config.cilium
    blocks = 2 ** (cilium.node_mask_size - ipaddress.ip_network(cilium.pod_cidr).prefixlen)
    if blocks < len(context.snapshot.nodes):
        yield Found(
            evidence=f"cilium.podCidr {cilium.pod_cidr} holds {blocks} blocks of /{cilium.node_mask_size}, the cluster "
            f"has {len(context.snapshot.nodes)} nodes",
        )


@check(
    id="tunnel-port-free",
    title="Cilium's tunnel port is free",
    severity=Severity.BLOCKER,
    phase=Phase.SECONDARY,
    why=(
        "two tunnels cannot share a UDP port: the second never comes up, yet its agents say Ready (measured; tke#1279)"
    ),
    remedy="choose a free port: `pulumi config set --path cilium.tunnelPort 8473`",
)
def tunnel_port_free(context: Context) -> Iterator[Found]:
    """Two tunnels cannot share a UDP port: the second never comes up, yet its agents say Ready (measured)."""
    port = context.config.cilium.tunnel_port
    source = context.source
    if source.udp_port == port:
        yield Found(evidence=f"cilium.tunnelPort {port} is the UDP port of {source.title} ({source.evidence[-1]})")
        return
    for pod in context.snapshot.pods:
        if port in pod.udp_host_ports and pod.labels.get("k8s-app") != "cilium":
            yield Found(evidence=f"cilium.tunnelPort {port} is used by pod {pod.title} on node {pod.node}")
            return
    if context.enters(Phase.SECONDARY):
        busy = [name for name, facts in context.snapshot.facts.items() if port in facts.udp_ports]
        if busy:
            yield Found(evidence=f"cilium.tunnelPort {port} (UDP) is in use on node {', '.join(sorted(busy))}")


@check(
    id="method-values",
    title="Helm values fit the method",
    severity=Severity.BLOCKER,
    phase=Phase.SECONDARY,
    why="the method rests on these values; each finding has its own reason (Cilium's page on migrating a cluster)",
    remedy="remove the value from cilium.values",
)
def method_values(context: Context) -> Iterator[Found]:
    """The user's Helm values may not contradict the method."""
    for fault in contradictions(context.config.cilium):
        yield Found(
            evidence=f"cilium.values sets {fault.path} to {fault.found!r}, the migration needs {fault.wanted!r}",
            remedy=f"remove it ({fault.reason})",
        )

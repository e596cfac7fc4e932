"""Checks of the two networks against each other and against the nodes' own."""

import ipaddress
from collections.abc import Iterator

from components.checks.check import check
from components.checks.context import Context
from components.checks.finding import Found, Severity
from components.settling import networks_in_use
from stacks.phases import Phase
from stacks.values import contradictions


@check(
    id="pod-cidr-free",
    title="Cilium's pool overlaps nothing",
    severity=Severity.BLOCKER,
    phase=Phase.SECONDARY,
    why=(
        "what shares the pool's addresses cannot be reached any more from the moment that Cilium is installed, a "
        "node's own SSH included (cilium#42383, #13766)"
    ),
    remedy="remove cilium.podCidr, and a free range is chosen; or set one that nothing uses",
)
def pod_cidr_free(context: Context) -> Iterator[Found]:
    """Cilium's pool must overlap nothing (cilium#42383, #13766: an overlap cuts connections at install)."""
    keys = ("cilium.podCidr", "cilium.podCidrV6")
    used = list(networks_in_use(context.snapshot, context.source))
    for key, pool in zip(keys, map(ipaddress.ip_network, context.cilium.pools), strict=False):
        for each in used:
            network = ipaddress.ip_network(each.network, strict=False)
            if network.version == pool.version and network.overlaps(pool):
                yield Found(evidence=f"{key} {pool} overlaps {network}, which is used by {each.user}")
                break


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
    cilium = context.cilium
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
    remedy="remove cilium.tunnelPort, and a free one is chosen; or set one that nothing uses",
)
def tunnel_port_free(context: Context) -> Iterator[Found]:
    """Two tunnels cannot share a UDP port: the second never comes up, yet its agents say Ready (measured)."""
    port = context.cilium.tunnel_port
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
    for fault in contradictions(context.cilium):
        yield Found(
            evidence=f"{fault.place} sets {fault.path} to {fault.found}, the migration needs {fault.wanted}",
            remedy=f"remove it ({fault.reason})",
        )

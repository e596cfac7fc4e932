"""Checks of Cilium's network against the old one and the nodes' own: pool, tunnel port, Helm values."""

import ipaddress
from collections.abc import Iterator

from components.addresses.pods import unexplained_ranges
from components.checks.framework.check import check
from components.checks.framework.context import Context
from components.checks.framework.finding import Found, Severity, Unrecognised
from components.checks.framework.name_lists import some
from components.plurals import many
from stacks.settle import WIREGUARD_PORT
from stacks.strategies import Milestone
from stacks.values import contradictions


@check(
    id="pod-cidr-free",
    title="Cilium's pool overlaps nothing",
    severity=Severity.BLOCKER,
    guards=Milestone.BOTH_NETWORKS,
    why=(
        "what shares the pool's addresses cannot be reached any more from the moment that Cilium is installed, a "
        "node's own SSH included (cilium#42383, #13766)"
    ),
    remedy="remove cilium.podCidr, and a free range is chosen; or set one that nothing uses",
)
def pod_cidr_free(context: Context) -> Iterator[Found]:
    """Findings about addresses in use that Cilium's pool overlaps; an overlap cuts connections at installation."""
    keys = ("cilium.podCidr", "cilium.podCidrV6")
    installed = context.snapshot.cilium_config is not None
    for key, pool in zip(keys, map(ipaddress.ip_network, context.cilium.pools), strict=False):
        touched = context.addresses.touching(pool)
        sure = [each for each in touched if not each.likely]
        if not touched or (installed and not sure):
            continue
        first, *others = sure or touched
        more = dict.fromkeys(each.kind for each in others if each.kind is not first.kind)
        kinds = f"; other addresses there: {', '.join(more)}" if more else ""
        if sure:
            yield Found(evidence=f"{key} {pool} overlaps {first.network}, which is used by {first.user}{kinds}")
        else:
            yield Found(
                evidence=f"{key} {pool} overlaps {first.network}, which may be in use: {first.user}{kinds}",
                severity=Severity.WARNING,
            )


@check(
    id="pod-addresses-known",
    title="Pods have addresses of the old network",
    severity=Severity.WARNING,
    guards=Milestone.BOTH_NETWORKS,
    why=(
        "which networks pods have decides which range Cilium gets, what policies mean by a network, and what moved "
        "pods may send to while both networks run; those that are not named are not counted on"
    ),
    remedy=(
        "where the old network is described in the config's `source`, name it in podNetworks; where these pods have "
        "addresses of an earlier network, re-create them"
    ),
)
def pod_addresses_known(context: Context) -> Iterator[Found]:
    """Findings about pods with addresses outside of the old CNI's known networks."""
    if not context.ahead(Milestone.CILIUM_ALONE):
        return
    networks = ", ".join(context.source.pod_networks)
    for around, pods in unexplained_ranges(context.addresses).items():
        shown = some([f"{each.owner} ({each.network.network_address})" for each in pods])
        yield Found(
            evidence=f"{many(len(pods), 'pod')} with an address in {around}, which is outside of {networks}: {shown}",
            unrecognised=Unrecognised.ADDRESSES,
        )


@check(
    id="pod-cidr-capacity",
    title="Cilium's pool is large enough",
    severity=Severity.BLOCKER,
    guards=Milestone.BOTH_NETWORKS,
    why=(
        "each node takes one block of the pool; one that gets none never becomes Ready, and the pool cannot be "
        "changed later (cilium#27164)"
    ),
    remedy="choose a larger cilium.podCidr or a larger cilium.nodeMaskSize",
)
def pod_cidr_capacity(context: Context) -> Iterator[Found]:
    """A finding if the pool has fewer blocks than the cluster has nodes; each node takes one."""
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
    guards=Milestone.BOTH_NETWORKS,
    why=(
        "two tunnels cannot share a UDP port: the second never comes up, yet its agents say Ready (measured; tke#1279)"
    ),
    remedy="`pulumi config rm --path cilium.tunnelPort`, and a free one is chosen; or set one that nothing uses",
)
def tunnel_port_free(context: Context) -> Iterator[Found]:
    """Findings about other users of Cilium's tunnel port: the old CNI, WireGuard, pods, nodes."""
    port = context.cilium.tunnel_port
    source = context.source
    if source.udp_port == port:
        yield Found(evidence=f"cilium.tunnelPort {port} is the UDP port of {source.title} ({source.evidence[-1]})")
        return
    if port == WIREGUARD_PORT and context.cilium.encrypts_with == "wireguard":
        yield Found(evidence=f"cilium.tunnelPort {port} is the UDP port of Cilium's own WireGuard")
        return
    for pod in context.snapshot.pods:
        if port in pod.udp_host_ports and pod.labels.get("k8s-app") != "cilium":
            yield Found(evidence=f"cilium.tunnelPort {port} is used by pod {pod.title} on node {pod.node}")
            return
    if context.enters(Milestone.BOTH_NETWORKS):
        busy = [name for name, facts in context.snapshot.facts.items() if port in facts.udp_ports]
        if busy:
            yield Found(evidence=f"cilium.tunnelPort {port} (UDP) is in use on node {', '.join(sorted(busy))}")


@check(
    id="method-values",
    title="Helm values fit the method",
    severity=Severity.BLOCKER,
    guards=Milestone.BOTH_NETWORKS,
    why="the method rests on these values; each finding has its own reason (Cilium's page on migrating a cluster)",
    remedy="remove the value from cilium.values",
)
def method_values(context: Context) -> Iterator[Found]:
    """Findings about Helm values in the config that contradict those of the migration."""
    for fault in contradictions(context.cilium):
        yield Found(
            evidence=f"{fault.place} sets {fault.path} to {fault.found}, the migration needs {fault.wanted}",
            remedy=f"{'move it to cilium.finalValues' if fault.later else 'remove it'} ({fault.reason})",
        )

"""Checks of what was seen on the nodes themselves at `preflight`."""

import ipaddress
from collections import defaultdict
from collections.abc import Iterator, Mapping

from components.checks.check import check
from components.checks.context import Context
from components.checks.finding import Found, Severity
from components.checks.words import some
from components.operations.cilium_taints import KEY
from components.operations.snapshot import NodeFacts
from components.words import many
from stacks.phases import Phase

_ACTIVE_CONF = (".conf", ".conflist", ".json")
_STRICT = 1


@check(
    id="kernel-features",
    title="The nodes' kernels can do what Cilium does",
    severity=Severity.BLOCKER,
    phase=Phase.SECONDARY,
    why=(
        "without these options the kernel loads none of Cilium's programs, or makes no tunnel of its protocol: agents "
        "crash, or say Ready and carry nothing (Cilium's system requirements)"
    ),
    remedy="boot these nodes with a kernel that has them; for a tunnel's option choose the other cilium.tunnelProtocol",
)
def kernel_features(context: Context) -> Iterator[Found]:
    """Options that the kernel was built without, those of the tunnel that is not chosen left out."""
    if not context.ahead(Phase.FINALIZE):
        return
    unused = {"VXLAN", "GENEVE"} - {context.cilium.tunnel_protocol.upper()}
    without: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name, facts in sorted(context.snapshot.facts.items()):
        lacks = tuple(option for option in facts.kernel_lacks if option not in unused)
        if lacks and name in context.snapshot.node_names:
            without[lacks].append(name)
    for lacks, nodes in sorted(without.items()):
        options = ", ".join(f"CONFIG_{option}" for option in lacks)
        yield Found(evidence=f"the kernel of {many(len(nodes), 'node')} ({some(nodes)}) was built without {options}")


@check(
    id="rp-filter",
    title="No strict reverse path filter",
    severity=Severity.WARNING,
    phase=Phase.MIGRATE,
    why=(
        "packets of Cilium's devices come back by another one; agents switch the filter off as they start, and whoever "
        "switches it on again after that (systemd-sysctl, firewalld) cuts off the node's pods (cilium#10645, #20419)"
    ),
    remedy=(
        "`net.ipv4.conf.all.rp_filter = 0` in the file of /etc/sysctl.d there that is read last; see that no firewall "
        "sets it"
    ),
)
def rp_filter(context: Context) -> Iterator[Found]:
    """net.ipv4.conf.all.rp_filter was 1 when the node was looked at, before any agent of Cilium ran there."""
    if not context.ahead(Phase.FINALIZE):
        return
    strict = sorted(name for name, facts in context.snapshot.facts.items() if facts.rp_filter == _STRICT)
    if strict:
        yield Found(evidence=f"net.ipv4.conf.all.rp_filter is 1 on {many(len(strict), 'node')} ({some(strict)})")


@check(
    id="cilium-leftovers",
    title="Nothing is left of an earlier Cilium",
    severity=Severity.BLOCKER,
    phase=Phase.SECONDARY,
    why=(
        "a CNI conf of an earlier Cilium is what the container run time goes by, devices and put-aside confs of it mix "
        "with the new one's (rancher-desktop#7591, cilium#15170)"
    ),
    remedy="remove them, or reboot the node after removing the files; then look again with `pulumi up` in 'preflight'",
)
def cilium_leftovers(context: Context) -> Iterator[Found]:
    """Files and devices of Cilium on the nodes of a cluster that has none."""
    if context.snapshot.cilium_config is not None or not context.ahead(Phase.SECONDARY):
        return
    for name, facts in sorted(context.snapshot.facts.items()):
        files = [each for each in facts.cni_conf if "cilium" in each]
        devices = [each for each in sorted(facts.interfaces) if each.startswith("cilium_")]
        if name in context.snapshot.node_names and (files or devices):
            left = [f"/etc/cni/net.d/{each}" for each in files] + [f"device {each}" for each in devices]
            active = any(each.endswith(_ACTIVE_CONF) for each in files)
            yield Found(
                evidence=f"node {name} has {some(left)}, and the cluster has no Cilium",
                severity=Severity.BLOCKER if active else Severity.WARNING,
            )


@check(
    id="cilium-taints",
    title="No node has a taint of a Cilium that is gone",
    severity=Severity.WARNING,
    phase=Phase.PREFLIGHT,
    why="nobody takes it off any more, and no pod is scheduled to the node that does not tolerate it",
    remedy="take it off",
)
def cilium_taints(context: Context) -> Iterator[Found]:
    """Nodes with the taint of Cilium's operator on a cluster without Cilium."""
    states = context.snapshot.node_states
    left = sorted(name for name, state in states.items() if any(each.key == KEY for each in state.keeps_away))
    if left and context.snapshot.cilium_config is None:
        yield Found(
            evidence=f"the taint {KEY} is on {many(len(left), 'node')} ({some(left)}), and the cluster has no Cilium",
            remedy=f"`kubectl taint nodes {' '.join(left)} {KEY}-`",
        )


@check(
    id="cni-confs",
    title="One CNI conf on each node",
    severity=Severity.WARNING,
    phase=Phase.MIGRATE,
    why=(
        "the container run time takes the first by name; Cilium puts all others aside as a node moves, and one that is "
        "written again at each start may come first after a reboot (multus#1527)"
    ),
    remedy="find out who writes each, and remove those that nobody uses",
)
def cni_confs(context: Context) -> Iterator[Found]:
    """Nodes with several active confs before any agent of Cilium ran there."""
    if not context.ahead(Phase.FINALIZE):
        return
    several: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name, facts in sorted(context.snapshot.facts.items()):
        active = tuple(each for each in facts.cni_conf if each.endswith(_ACTIVE_CONF) and "cilium" not in each)
        if len(active) > 1 and name in context.snapshot.node_names:
            several[active].append(name)
    for active, nodes in sorted(several.items()):
        yield Found(evidence=f"{many(len(nodes), 'node')} ({some(nodes)}) with {len(active)} CNI confs: {some(active)}")


@check(
    id="mtu-equal",
    title="All nodes have one MTU",
    severity=Severity.WARNING,
    phase=Phase.SECONDARY,
    why=(
        "each agent makes its routes by its node's device: full-size packets of a node with a larger MTU are lost "
        "on the way to one with a smaller, while pings pass (cilium#14339)"
    ),
    remedy="give the nodes' devices the same MTU, or set `MTU` in cilium.values to the smallest",
)
def mtu_equal(context: Context) -> Iterator[Found]:
    """Nodes whose own device has another MTU than others'."""
    if not context.ahead(Phase.FINALIZE) or context.values.get("MTU"):
        return
    sizes: dict[int, list[str]] = defaultdict(list)
    for node in context.snapshot.nodes:
        facts = context.snapshot.facts.get(node.name)
        size = _own_mtu(facts, node.internal_addresses) if facts else None
        if size:
            sizes[size].append(node.name)
    if len(sizes) > 1:
        told = "; ".join(
            f"{size} on {many(len(nodes), 'node')} ({some(nodes)})" for size, nodes in sorted(sizes.items())
        )
        yield Found(evidence=f"the nodes' own devices have different MTUs: {told}")


def _own_mtu(facts: NodeFacts, addresses: tuple[str, ...]) -> int | None:
    """The MTU of the device that leads into the node's own network; None where none is seen to."""
    interfaces: Mapping[str, int] = facts.interfaces
    for network, device in facts.routes:
        if any(ipaddress.ip_address(each) in ipaddress.ip_network(network) for each in addresses):
            return interfaces.get(device)
    return None

"""Checks of the nodes' kernels, sysctls, CNI confs and devices, as `preflight` read them."""

import ipaddress
from collections import defaultdict
from collections.abc import Iterator, Mapping

from components.checks.framework.check import check
from components.checks.framework.context import Context
from components.checks.framework.finding import Found, Severity, Unrecognised
from components.checks.framework.name_lists import some
from components.operations.removal.cilium_taints import KEY
from components.operations.snapshot import NodeFacts
from components.plurals import many
from components.sources.facts.folders import folders
from components.unrecognised.cni_confs import ACTIVE
from stacks.settle import BINARIES, CONF
from stacks.strategies import Milestone

_STRICT = 1
_OTHER_KERNEL = (
    "boot these nodes with a kernel that has them, or for a tunnel's option choose the other cilium.tunnelProtocol"
)
_LOOK = "look again with `pulumi up` in 'preflight'"
# After `preflight` a node is not read again, so a remedied node has to be acknowledged.
_SAY = "say so: `pulumi config set --path acknowledge.kernel-features 'they have another kernel now'`"


@check(
    id="kernel-features",
    title="The nodes' kernels can do what Cilium does",
    severity=Severity.BLOCKER,
    guards=Milestone.BOTH_NETWORKS,
    why=(
        "without these options the kernel loads none of Cilium's programs, or makes no tunnel of its protocol: agents "
        "crash, or say Ready and carry nothing (Cilium's system requirements)"
    ),
    remedy=f"{_OTHER_KERNEL}; then {_LOOK}",
)
def kernel_features(context: Context) -> Iterator[Found]:
    """Findings about kernel options that Cilium needs and the kernel lacks; only the chosen tunnel's are needed."""
    if not context.ahead(Milestone.CILIUM_ALONE):
        return
    unused = {"VXLAN", "GENEVE"} - {context.cilium.tunnel_protocol.upper()}
    without: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name, facts in sorted(context.snapshot.facts.items()):
        lacks = tuple(option for option in facts.kernel_lacks if option not in unused)
        if lacks and name in context.snapshot.node_names:
            without[lacks].append(name)
    for lacks, nodes in sorted(without.items()):
        options = ", ".join(f"CONFIG_{option}" for option in lacks)
        yield Found(
            evidence=f"the kernel of {many(len(nodes), 'node')} ({some(nodes)}) was built without {options}",
            severity=Severity.WARNING if context.looks_anew else Severity.BLOCKER,
            remedy=f"{_OTHER_KERNEL}; then {_LOOK if context.ahead(Milestone.BOTH_NETWORKS) else _SAY}",
        )


@check(
    id="rp-filter",
    title="No strict reverse path filter",
    severity=Severity.WARNING,
    guards=Milestone.NODES_MOVE,
    why=(
        "packets of Cilium's devices come back by another one; agents switch the filter off as they start, and a "
        "program that switches it on again (systemd-sysctl, firewalld) cuts off the node's pods (cilium#10645, #20419)"
    ),
    remedy=(
        "`net.ipv4.conf.all.rp_filter = 0` in the file of /etc/sysctl.d there that is read last; see that no firewall "
        "sets it"
    ),
)
def rp_filter(context: Context) -> Iterator[Found]:
    """A finding about nodes with net.ipv4.conf.all.rp_filter = 1, read before any Cilium agent ran there."""
    if not context.ahead(Milestone.CILIUM_ALONE):
        return
    strict = sorted(name for name, facts in context.snapshot.facts.items() if facts.rp_filter == _STRICT)
    if strict:
        yield Found(evidence=f"net.ipv4.conf.all.rp_filter is 1 on {many(len(strict), 'node')} ({some(strict)})")


@check(
    id="cilium-leftovers",
    title="Nothing is left of an earlier Cilium",
    severity=Severity.BLOCKER,
    guards=Milestone.BOTH_NETWORKS,
    why=(
        "a CNI conf of an earlier Cilium is what the container run time goes by, devices and put-aside confs of it mix "
        "with the new one's (rancher-desktop#7591, cilium#15170)"
    ),
    remedy=f"remove them, or reboot the node after removing the files; then {_LOOK}",
)
def cilium_leftovers(context: Context) -> Iterator[Found]:
    """Findings about Cilium's files and devices on nodes of a cluster without Cilium."""
    if context.snapshot.cilium_config is not None or not context.ahead(Milestone.BOTH_NETWORKS):
        return
    for name, facts in sorted(context.snapshot.facts.items()):
        files = [each for each in facts.cni_conf if "cilium" in each]
        devices = [each for each in sorted(facts.interfaces) if each.startswith("cilium_")]
        if name in context.snapshot.node_names and (files or devices):
            left = [f"{context.cilium.cni_conf_path}/{each}" for each in files] + [f"device {each}" for each in devices]
            active = any(each.endswith(ACTIVE) for each in files)
            yield Found(
                evidence=f"node {name} has {some(left)}, and the cluster has no Cilium",
                severity=Severity.BLOCKER if active and not context.looks_anew else Severity.WARNING,
            )


@check(
    id="cilium-taints",
    title="No node has the taint of an uninstalled Cilium",
    severity=Severity.WARNING,
    guards=Milestone.BEFORE_CILIUM,
    why="without Cilium's operator it stays, and only pods that tolerate it are scheduled to the node",
    remedy="take it off",
)
def cilium_taints(context: Context) -> Iterator[Found]:
    """A finding about nodes with the taint of Cilium's operator on a cluster without Cilium."""
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
    guards=Milestone.NODES_MOVE,
    why=(
        "the container run time takes the first by name; Cilium puts all others aside as a node moves, and one that is "
        "written again at each start may come first after a reboot (multus#1527)"
    ),
    remedy="find out which program writes each, and remove those not in use",
)
def cni_confs(context: Context) -> Iterator[Found]:
    """Findings about nodes with several active CNI confs, read before any Cilium agent ran there."""
    if not context.ahead(Milestone.CILIUM_ALONE):
        return
    several: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name, facts in sorted(context.snapshot.facts.items()):
        active = tuple(each for each in facts.cni_conf if each.endswith(ACTIVE) and "cilium" not in each)
        if len(active) > 1 and name in context.snapshot.node_names:
            several[active].append(name)
    for active, nodes in sorted(several.items()):
        yield Found(evidence=f"{many(len(nodes), 'node')} ({some(nodes)}) with {len(active)} CNI confs: {some(active)}")


@check(
    id="cni-folders",
    title="All nodes find CNI confs and plugins in the folders that Cilium has",
    severity=Severity.BLOCKER,
    guards=Milestone.BOTH_NETWORKS,
    why=(
        "a node whose container run time reads other folders never sees Cilium's conf: its pods stay on the old "
        "network, or start on none once that is gone (MicroK8s and k3s have folders of their own)"
    ),
    remedy=(
        "let the container run times of all nodes read the same folders, or set cni.confPath and cni.binPath in "
        "cilium.values to those that they share: Cilium has one of each for all nodes"
    ),
)
def cni_folders(context: Context) -> Iterator[Found]:
    """Findings about nodes whose CNI folders differ from Cilium's, or are unknown."""
    if not context.ahead(Milestone.CILIUM_ALONE):
        return
    cilium, seen = context.cilium, folders(context.snapshot, context.source)
    for which, what, path in ((CONF, "confs", cilium.cni_conf_path), (BINARIES, "plugins", cilium.cni_bin_path)):
        others: dict[str, list[str]] = defaultdict(list)
        for name, names in sorted(seen[which].on_nodes.items()):
            if names and path not in names:
                others[names[0]].append(name)
        for folder, nodes in sorted(others.items()):
            yield Found(
                evidence=f"{many(len(nodes), 'node')} ({some(nodes)}) read CNI {what} in {folder}, and Cilium's are to "
                f"be in {path} ({cilium.reasons[which]})"
            )
    unknown = sorted(
        name
        for name, facts in context.snapshot.facts.items()
        if facts.cni_folders == () and name in context.snapshot.node_names
    )
    if unknown and not (seen[CONF].of_cilium or seen[CONF].of_source):
        yield Found(
            evidence=f"the container run time of {many(len(unknown), 'node')} ({some(unknown)}) is none that is known: "
            f"nothing says that CNI confs are in {cilium.cni_conf_path} there",
            remedy="see where its settings say they are, and set cni.confPath and cni.binPath in cilium.values to that",
            severity=Severity.WARNING,
            unrecognised=Unrecognised.NODE,
        )


@check(
    id="mtu-equal",
    title="All nodes have one MTU",
    severity=Severity.WARNING,
    guards=Milestone.BOTH_NETWORKS,
    why=(
        "each agent makes its routes by its node's device: full-size packets of a node with a larger MTU are lost "
        "on the way to one with a smaller, while pings pass (cilium#14339)"
    ),
    remedy="give the nodes' devices the same MTU, or set `MTU` in cilium.values to the smallest",
)
def mtu_equal(context: Context) -> Iterator[Found]:
    """A finding if the nodes' own devices have different MTUs."""
    if not context.ahead(Milestone.CILIUM_ALONE) or context.values.get("MTU"):
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
    """The MTU of the device that leads into the node's own network; None if no such device is seen."""
    interfaces: Mapping[str, int] = facts.interfaces
    for network, device in facts.routes:
        if any(ipaddress.ip_address(each) in ipaddress.ip_network(network) for each in addresses):
            return interfaces.get(device)
    return None

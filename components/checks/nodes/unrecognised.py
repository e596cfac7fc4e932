"""Checks that report things on the cluster that this program does not recognise, one finding each."""

from collections.abc import Iterator

from components.checks.framework.check import check
from components.checks.framework.context import Context
from components.checks.framework.finding import Found, Severity, Unrecognised
from components.checks.framework.name_lists import some
from components.plurals import many
from components.unrecognised import unknown_confs, unknown_daemon_sets, unknown_nodes, unknown_routes
from stacks.strategies import Milestone


@check(
    id="nodes-placed",
    title="Every node is of a known kind",
    severity=Severity.WARNING,
    guards=Milestone.BOTH_NETWORKS,
    why=(
        "a vendor's nodes may bring their own CNI back, and pods of a node without the old CNI are on a network that "
        "this program does not migrate"
    ),
    remedy="see what these nodes are, and acknowledge nodes-placed with what you found",
)
def nodes_placed(context: Context) -> Iterator[Found]:
    """Findings about unknown builds of the kubelet, and nodes without an agent of the old CNI."""
    if not context.ahead(Milestone.CILIUM_ALONE):
        return
    for each in unknown_nodes(context.snapshot, context.source):
        nodes = f"{many(len(each.nodes), 'node')} ({some(each.nodes)})"
        source = context.source
        if each.build:
            yield Found(
                evidence=f"the kubelet of {nodes} is of a build ({each.build}) that no known distribution has",
                remedy="see that the distribution lets its CNI be changed, and what would bring the old one back; then "
                "acknowledge nodes-placed with what you found",
                unrecognised=Unrecognised.NODE,
            )
        else:
            yield Found(
                evidence=f"no pod of {source.title} runs on {nodes}: which network pods have there is not known",
                remedy=f"`kubectl -n {source.namespace} describe daemonset {source.daemon_set}` says why none does (a "
                "selector, a taint)",
                unrecognised=Unrecognised.NODE,
            )


@check(
    id="cni-confs-placed",
    title="Every CNI conf is of a known plugin",
    severity=Severity.WARNING,
    guards=Milestone.NODES_MOVE,
    why=(
        "as its node moves, Cilium puts every conf but its own aside: what the plugins of this one did for pods ends "
        "there (multus#972, #1527)"
    ),
    remedy="find out who wrote it and what it does for pods, and acknowledge cni-confs-placed with what you found",
)
def cni_confs_placed(context: Context) -> Iterator[Found]:
    """Findings about CNI confs that are neither the old CNI's nor of a known plugin."""
    if not context.ahead(Milestone.CILIUM_ALONE):
        return
    for each in unknown_confs(context.snapshot, context.source):
        if each.plugins is None:
            what, remedy = "it was not read yet", "look again with `pulumi up` in 'preflight'"
        else:
            what = f"it names {', '.join(each.plugins)}" if each.plugins else "it cannot be read as a CNI conf"
            remedy = ""
        order = "the first, which pods get their network by" if each.first else "not the first"
        yield Found(
            evidence=f"CNI conf {each.name} on {many(len(each.nodes), 'node')} ({some(each.nodes)}): {what}; {order}",
            remedy=remedy,
            unrecognised=Unrecognised.CNI_CONF,
        )


@check(
    id="host-network-placed",
    title="Every DaemonSet that may change the nodes' network is known",
    severity=Severity.WARNING,
    guards=Milestone.BOTH_NETWORKS,
    why=(
        "a program on the host network with a right to change it may set routes, rules or links of its own, which "
        "may conflict with Cilium's (kube-router, VPN and firewall agents)"
    ),
    remedy=(
        "see what it does to links, routes and rules of the node, and acknowledge host-network-placed with what you "
        "found"
    ),
)
def host_network_placed(context: Context) -> Iterator[Found]:
    """Findings about unknown DaemonSets on the host network with rights to change it; drivers are left out."""
    if not context.ahead(Milestone.CILIUM_ALONE):
        return
    for each in unknown_daemon_sets(context.snapshot, context.source):
        yield Found(
            evidence=f"{each.title} has the host's network and may change it (container {each.container}: "
            f"{each.right})",
            unrecognised=Unrecognised.DAEMON_SET,
        )


@check(
    id="routes-placed",
    title="Every route of the nodes has a known destination",
    severity=Severity.WARNING,
    guards=Milestone.BOTH_NETWORKS,
    why=(
        "pods or nodes may reach a network through such a route; pods that moved have addresses of another network, "
        "to which that network may have no route back"
    ),
    remedy="see who made it and whether pods use it, and acknowledge routes-placed with what you found",
)
def routes_placed(context: Context) -> Iterator[Found]:
    """Findings about routes through devices that this program does not know."""
    if not context.ahead(Milestone.CILIUM_ALONE):
        return
    for each in unknown_routes(context.snapshot, context.source, context.addresses):
        yield Found(
            evidence=f"{many(len(each.networks), 'network')} ({some(each.networks)}) reached through device "
            f"{each.device} on {many(len(each.nodes), 'node')} ({some(each.nodes)})",
            unrecognised=Unrecognised.ADDRESSES,
        )

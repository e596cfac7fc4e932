"""Checks of the old CNI's settings that prevent a second network beside it: data plane, API groups, BGP."""

from collections.abc import Iterator

from components.checks.framework.check import check
from components.checks.framework.context import Context
from components.checks.framework.finding import Found, Severity
from components.checks.framework.name_lists import some
from components.sources.calico.objects import NATIVE, OLD, keeps_natively
from components.sources.calico.settings import announced_by
from stacks.strategies import Milestone

_TESTED_PLANES = ("iptables", "nftables")


@check(
    id="source-data-plane",
    title="The old network uses the host's routing",
    severity=Severity.BLOCKER,
    guards=Milestone.BOTH_NETWORKS,
    why=(
        "the two networks meet in the host's routing; a data plane of eBPF or VPP takes packets before they come there "
        "(Cilium's page on migrating a cluster: plugins that use the Linux routing stack)"
    ),
    remedy="switch Calico to its standard data plane first (linuxDataplane: Iptables, or FELIX_BPFENABLED=false)",
)
def source_data_plane(context: Context) -> Iterator[Found]:
    """A finding about a data plane that bypasses the host's routing."""
    if context.source.dataplane not in _TESTED_PLANES and context.ahead(Milestone.CILIUM_ALONE):
        yield Found(evidence=f"{context.source.title}'s data plane is {context.source.dataplane}")


@check(
    id="calico-groups",
    title="Calico's objects are in one API group",
    severity=Severity.WARNING,
    guards=Milestone.BOTH_NETWORKS,
    why=(
        "Calico reads one of crd.projectcalico.org and projectcalico.org, and heeds nothing of the other's, such as "
        "what a change from one to the other left behind (calico PR #12012)"
    ),
    remedy="take away what is not meant to hold, or create it in the group that Calico reads",
)
def calico_groups(context: Context) -> Iterator[Found]:
    """A finding about objects in the API group that Calico does not read; they are treated as if it did."""
    titles: dict[str, list[str]] = {OLD: [], NATIVE: []}
    for kind, items in context.snapshot.calico.items():
        for each in items:
            group = each.get("apiVersion", "").partition("/")[0]
            titles.get(group, []).append(f"{kind} {each['metadata']['name']}")
    if all(titles.values()) and context.ahead(Milestone.OLD_NETWORK_GONE):
        reads, other = (NATIVE, OLD) if keeps_natively(context.snapshot.daemon_sets) else (OLD, NATIVE)
        yield Found(evidence=f"Calico reads {reads}, and {other} alone has {some(sorted(titles[other]))}")


@check(
    id="bgp",
    title="No router outside depends on the old network",
    severity=Severity.WARNING,
    guards=Milestone.NODES_MOVE,
    why=(
        "routers learn from Calico where pods and Services are; pods that moved are on no route of theirs, and the "
        "method is not tested with BGP (Cilium's page on migrating a cluster)"
    ),
    remedy=(
        "see who outside reaches pods by their own addresses; set up Cilium's BGP control plane for its pool before "
        "'finalize'"
    ),
)
def bgp(context: Context) -> Iterator[Found]:
    """Findings about BGP peers and announced Service ranges."""
    if not context.ahead(Milestone.CILIUM_ALONE):
        return
    if context.source.bgp_peers:
        yield Found(evidence=f"Calico speaks BGP with {some(list(context.source.bgp_peers))}")
    ranges = announced_by(context.snapshot)
    if ranges:
        yield Found(
            evidence=f"Calico announces Service addresses: {some(list(ranges))}",
            remedy="after 'cleanup' they are announced only if Cilium's BGP control plane does it",
        )

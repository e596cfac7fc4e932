"""Checks of the old CNI itself: what in its own settings stands in the way of a second network beside it."""

from collections.abc import Iterator

from components.checks.check import check
from components.checks.context import Context
from components.checks.finding import Found, Severity
from components.checks.words import some
from components.operations.autodetection import calico_address
from components.sources import fooled_families
from components.sources.calico_settings import announced_by
from stacks.phases import Phase

_TESTED_PLANES = ("iptables", "nftables")


def _moved_addresses(context: Context) -> list[str]:
    """Nodes whose address Calico has otherwise than Kubernetes, as `NAME (Calico's, Kubernetes')`."""
    return [
        f"{node.name} ({calico_address(node)}, not {', '.join(node.internal_addresses) or 'none'})"
        for node in context.snapshot.nodes
        if calico_address(node) and calico_address(node) not in node.internal_addresses
    ]


@check(
    id="autodetection",
    title="Calico's node addresses are Kubernetes'",
    severity=Severity.BLOCKER,
    phase=Phase.SECONDARY,
    why=(
        "with first-found Calico takes cilium_host for a node's own interface and tells the others its address, which "
        "leads nowhere: the best-known outage of this method (cilium#31273, cilium PR #27666)"
    ),
    remedy=(
        "let the InternalIP of these nodes be the address that Calico has (kubelet's --node-ip), or name the interface "
        "in Calico yourself: IP_AUTODETECTION_METHOD=interface=… or nodeAddressAutodetectionV4.interface"
    ),
)
def autodetection(context: Context) -> Iterator[Found]:
    """Moving the detection to Kubernetes' addresses must not change any: the nodes' tunnels would move with them."""
    families = fooled_families(context.source)
    if not families or not context.ahead(Phase.FINALIZE):
        return
    moved = _moved_addresses(context)
    if moved:
        yield Found(evidence=f"Calico's address of {len(moved)} nodes is not their InternalIP: {some(moved)}")
        return
    if not context.ahead(Phase.SECONDARY):
        return
    owner = next((each for each in context.source.owners if each.reverts), None)
    method = context.source.autodetection or context.source.autodetection_v6
    if owner:
        yield Found(
            evidence=f"Calico's address detection is '{method}' and must be moved, but {owner.name} ({owner.mark}) "
            "would set it back",
            remedy="set it to kubernetes-internal-ip (operator: kubernetes: NodeInternalIP) where Calico is deployed "
            "from, before phase 'secondary'",
            severity=Severity.BLOCKER if context.enters(Phase.SECONDARY) else Severity.WARNING,
        )
    else:
        yield Found(
            evidence=f"Calico's address detection is '{method}'; phase 'secondary' moves it to kubernetes-internal-ip "
            "before Cilium appears, and back when it is taken back",
            remedy="nothing: every Calico agent is started anew by it, a few at a time",
            severity=Severity.NOTE,
        )


@check(
    id="source-data-plane",
    title="The old network uses the host's routing",
    severity=Severity.BLOCKER,
    phase=Phase.SECONDARY,
    why=(
        "the two networks meet in the host's routing; a data plane of eBPF or VPP takes packets before they come there "
        "(Cilium's page on migrating a cluster: plugins that use the Linux routing stack)"
    ),
    remedy="switch Calico to its standard data plane first (linuxDataplane: Iptables, or FELIX_BPFENABLED=false)",
)
def source_data_plane(context: Context) -> Iterator[Found]:
    """A data plane that passes the host by."""
    if context.source.dataplane not in _TESTED_PLANES and context.ahead(Phase.FINALIZE):
        yield Found(evidence=f"{context.source.title}'s data plane is {context.source.dataplane}")


@check(
    id="bgp",
    title="No router outside depends on the old network",
    severity=Severity.WARNING,
    phase=Phase.MIGRATE,
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
    """Peers, and Service ranges that are announced."""
    if not context.ahead(Phase.FINALIZE):
        return
    if context.source.bgp_peers:
        yield Found(evidence=f"Calico speaks BGP with {some(list(context.source.bgp_peers))}")
    ranges = announced_by(context.snapshot)
    if ranges:
        yield Found(
            evidence=f"Calico announces Service addresses: {some(list(ranges))}",
            remedy="nobody announces them after 'cleanup' unless Cilium's BGP control plane does",
        )

"""A check of Calico's node address autodetection, which must never pick one of Cilium's interfaces."""

from collections.abc import Iterator

from components.checks.framework.check import check
from components.checks.framework.context import Context
from components.checks.framework.finding import Found, Severity
from components.checks.framework.name_lists import some
from components.plurals import many
from components.sources import families_of, fooled
from components.sources.calico.detection_methods import FROM_KUBERNETES, KNOWN_SINCE, why_fooled
from components.sources.calico.manifests import is_prepared, methods_now
from components.sources.calico.moved_autodetection import calico_address, kubernetes_address
from stacks.strategies import Milestone

_NAMES = {4: "IP_AUTODETECTION_METHOD", 6: "IP6_AUTODETECTION_METHOD"}
_SAME = "let the InternalIP of these nodes be the address that Calico has (kubelet's --node-ip)"
_INTERFACE = "or name the interface in Calico yourself: {}=interface=… or nodeAddressAutodetectionV{}.interface"


def _immovable(context: Context, family: int) -> Iterator[Found]:
    """Findings about nodes whose Calico address would change or vanish when Calico takes it from Kubernetes."""
    nodes = [node for node in context.snapshot.nodes if node.runs_linux]
    told = {node.name: calico_address(node, family) for node in nodes}
    whose = f"Calico's IPv{family} address"
    ahead = context.ahead(Milestone.BOTH_NETWORKS)  # later, a node that has just joined may have none yet
    homeless = [node.name for node in nodes if (ahead or node.ready) and not kubernetes_address(node, family)]
    if homeless:
        yield Found(
            evidence=f"{whose} must be moved to the nodes' InternalIP, and there is none of IPv{family} on "
            f"{many(len(homeless), 'node')} ({some(homeless)})",
            remedy=f"give these nodes an InternalIP of IPv{family} (kubelet's --node-ip takes one of each family), "
            + _INTERFACE.format(_NAMES[family], family)
            + _another_pool(context, family),
        )
    moved = [
        f"{node.name} ({told[node.name]}, not {kubernetes_address(node, family)})"
        for node in nodes
        if told[node.name] and kubernetes_address(node, family) not in ("", told[node.name])
    ]
    if moved:
        yield Found(
            evidence=f"{whose} is not the InternalIP on {many(len(moved), 'node')}: {some(moved)}",
            remedy=f"{_SAME}, {_INTERFACE.format(_NAMES[family], family)}{_another_pool(context, family)}",
        )
    if not ahead:
        return
    if not context.source.tells_addresses:
        yield Found(
            evidence=f"{whose} of each node is in Calico's own etcd, which this program cannot read to verify the move",
            remedy=_INTERFACE.format(_NAMES[family], family).removeprefix("or "),
        )
    silent = [node.name for node in nodes if node.ready and not told[node.name]]
    if silent and any(told.values()):
        yield Found(
            evidence=f"Calico gave no IPv{family} address to {many(len(silent), 'node')} ({some(silent)}), so its "
            "agent is not at work there",
            remedy=f"`kubectl -n {context.source.namespace} get pods -o wide` shows its agents; bring them up first",
        )


@check(
    id="autodetection",
    title="Calico's node addresses are Kubernetes'",
    severity=Severity.BLOCKER,
    guards=Milestone.BOTH_NETWORKS,
    why=(
        "by first-found, and by any method that matches it, Calico takes cilium_host for a node's own interface and "
        "tells the others its address, which leads nowhere: the best-known outage of this method (cilium#31273, "
        "cilium PR #27666)"
    ),
    remedy=f"{_SAME}, {_INTERFACE.format(_NAMES[4], 4)}",
)
def autodetection(context: Context) -> Iterator[Found]:
    """Findings about detection that must change, and about nodes whose address, and tunnel, would change with it."""
    ahead = context.ahead(Milestone.BOTH_NETWORKS)
    goes_back = not ahead and not context.config.reaches(Milestone.BOTH_NETWORKS)
    if goes_back or not context.ahead(Milestone.CILIUM_ALONE):
        return
    why = fooled(context.source, pools=context.cilium.every_pool)
    prepared = is_prepared(context.snapshot)
    for family, clause in why.items():
        immovable = [*_too_old(context, family), *_immovable(context, family)]
        yield from immovable
        if not immovable and not prepared and methods_now(context.snapshot):
            yield _to_be_moved(context, family, clause)
    if prepared:
        yield from _set_back(context)


def _too_old(context: Context, family: int) -> Iterator[Found]:
    """A finding if Calico is too old for the method `kubernetes-internal-ip`: its agents would not start."""
    found = context.source.version
    if not found or tuple(map(int, found.split(".")[:2])) >= KNOWN_SINCE or is_prepared(context.snapshot):
        return
    yield Found(
        evidence=f"Calico {found} finds its IPv{family} addresses by '{_method(context, family)}', which must be moved "
        f"to {FROM_KUBERNETES}: it knows that since {'.'.join(map(str, KNOWN_SINCE))} alone, and no agent would start",
        remedy="upgrade Calico first, " + _INTERFACE.format(_NAMES[family], family) + _another_pool(context, family),
    )


def _method(context: Context, family: int) -> str:
    return {4: context.source.autodetection, 6: context.source.autodetection_v6}[family]


def _another_pool(context: Context, family: int) -> str:
    """The alternative remedy of another Cilium pool, where only the pool's range makes Calico pick the interface."""
    if why_fooled(_method(context, family), family=family, pools=()):
        return ""
    key = "podCidr" if family == 4 else "podCidrV6"
    return f"; or set cilium.{key} to a range outside of Calico's {_method(context, family)}"


def _set_back(context: Context) -> Iterator[Found]:
    """A finding if the detection method was changed back after this program had moved it."""
    for family, method in methods_now(context.snapshot).items():
        pools = context.cilium.every_pool
        clause = why_fooled(method, family=family, pools=pools) if method and family in families_of(pools) else ""
        if clause:
            yield Found(
                evidence=f"Calico's agents find their IPv{family} address by '{method}' again ({clause}), now that "
                "Cilium's interfaces are there",
                remedy=f"set {_NAMES[family]} to {FROM_KUBERNETES} once more (operator: kubernetes: NodeInternalIP), "
                "where Calico is deployed from",
            )


def _to_be_moved(context: Context, family: int, clause: str) -> Found:
    what = f"Calico's {'IPv6 ' if family == 6 else ''}address detection is '{_method(context, family)}'"
    owner = next((each for each in context.source.owners if each.reverts), None)
    if owner:
        return Found(
            evidence=f"{what} and must be moved ({clause}), but {owner.name} ({owner.mark}) would set it back",
            remedy="set it to kubernetes-internal-ip (operator: kubernetes: NodeInternalIP) where Calico is deployed "
            "from, before Cilium is installed" + _another_pool(context, family),
            severity=Severity.BLOCKER if context.enters(Milestone.BOTH_NETWORKS) else Severity.WARNING,
        )
    if not context.ahead(Milestone.BOTH_NETWORKS):
        return Found(
            evidence=f"{what}, now that Cilium's interfaces are there: {clause}; this run moves it to "
            f"{FROM_KUBERNETES}",
            remedy="leave it there, where Calico is deployed from as well",
            severity=Severity.WARNING,
        )
    return Found(
        evidence=f"{what}; Cilium's installation moves it to kubernetes-internal-ip before Cilium appears, and back "
        f"when it is taken back: {clause}",
        remedy="nothing to do: every Calico agent restarts for it, a few at a time",
        severity=Severity.NOTE,
    )

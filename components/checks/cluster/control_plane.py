"""Checks of the connection between the API server and the cluster, in both directions."""

from collections.abc import Iterator

from components.checks.framework.check import check
from components.checks.framework.context import Context
from components.checks.framework.finding import Found, Severity
from components.checks.framework.name_lists import some
from components.operations.objects.model import Pod
from stacks.strategies import Milestone

_SLOW_SECONDS = 0.5
_TUNNELS = ("konnectivity-agent", "tunnelfront", "aks-link")


@check(
    id="managed-control-plane",
    title="The API server reaches pods on both networks",
    severity=Severity.WARNING,
    guards=Milestone.NODES_MOVE,
    why=(
        "an API server that runs outside of the cluster reaches webhooks and API services by routes into the old pod "
        "network, and has none into Cilium's: metrics.k8s.io and webhooks go down as their pods move (a migration of "
        "NKS ended so)"
    ),
    remedy=(
        "ask whose control plane it is how it reaches pods (a tunnel such as konnectivity is fine), or run these pods "
        "with hostNetwork"
    ),
)
def managed_control_plane(context: Context) -> Iterator[Found]:
    """A finding if the control plane is outside the cluster, without a visible tunnel, and calls pods as webhooks."""
    snapshot = context.snapshot
    if (
        not context.ahead(Milestone.CILIUM_ALONE)
        or any(node.control_plane for node in snapshot.nodes)
        or snapshot.is_k3s
    ):
        return
    if any(pod.name.startswith(_TUNNELS) for pod in snapshot.pods):
        return
    answered = [(name, space, service) for name, space, service in snapshot.api_services]
    answered += [(f"the conversion of {name}", space, service) for name, space, service in snapshot.converters]
    answered += [(f"webhook {hook.name}", hook.namespace, hook.service) for hook in snapshot.webhooks]
    asked = [
        name for name, space, service in answered if any(pod.on_pod_network for pod in _pods(context, space, service))
    ]
    if asked:
        yield Found(
            evidence=f"no node is of the control plane, and pods answer what the API server asks: {some(asked)}"
        )


def _pods(context: Context, namespace: str, service: str) -> list[Pod]:
    for each in context.snapshot.services:
        if (each.namespace, each.name) == (namespace, service) and each.selector:
            wanted = each.selector.items()
            return [pod for pod in context.snapshot.pods if pod.namespace == namespace and wanted <= pod.labels.items()]
    return []


@check(
    id="api-latency",
    title="The API server answers fast",
    severity=Severity.WARNING,
    guards=Milestone.BEFORE_CILIUM,
    why=(
        "a turn asks it some hundred times, waits by deadlines, and a run holds its lease by renewing it: with slow "
        "answers turns take longer and deadlines pass"
    ),
    remedy="run this nearer to the API server, or find out what keeps it busy",
)
def api_latency(context: Context) -> Iterator[Found]:
    """A finding if the API server is slow to answer a very small request."""
    seconds = context.snapshot.api_seconds
    if seconds > _SLOW_SECONDS:
        yield Found(evidence=f"the API server takes {seconds:.1f} s to say its version")

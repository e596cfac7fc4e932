"""Checks of the ways into pods: host ports, kube-proxy and its replacement, load balancers."""

from collections.abc import Iterator

from components.checks.framework.check import check
from components.checks.framework.context import Context
from components.checks.framework.finding import Found, Severity
from components.checks.framework.name_lists import some
from components.operations.objects.model import Pod
from components.plurals import many
from stacks.strategies import Milestone
from stacks.values import final_values, opens_host_ports, replaces_kube_proxy, value_at


@check(
    id="host-ports",
    title="Host ports lead to their pods",
    severity=Severity.BLOCKER,
    guards=Milestone.NODES_MOVE,
    why=(
        "with kube-proxy replacement off and no `portmap` in the chain, a `hostPort` leads nowhere on Cilium's network "
        "(cilium#14109, #24741, #25791); the verification of the node's turn would find it so"
    ),
    remedy="`pulumi config set --path cilium.values.cni.chainingMode portmap` and `pulumi up` before the nodes move",
)
def host_ports(context: Context) -> Iterator[Found]:
    """Findings about pods with host ports while Cilium opens none; blockers for those that stay on a moving node."""
    if not context.ahead(Milestone.CILIUM_ALONE) or opens_host_ports(context.values):
        return
    moving = {node.name for node in context.about_to_switch}
    pods = [pod for pod in context.snapshot.pods if pod.host_ports and not pod.finished]
    staying = [pod for pod in pods if pod.node in moving and _comes_back(pod, in_place=context.config.drain.in_place)]
    if staying:
        yield Found(
            evidence=f"{many(len(staying), 'pod')} with a `hostPort` would not be reached by it once the node moved: "
            f"{some([_with_port(pod) for pod in staying])}"
        )
    elif pods:
        yield Found(
            evidence=f"{many(len(pods), 'pod')} with a `hostPort` are not reached by it on Cilium's network: "
            f"{some([_with_port(pod) for pod in pods])}",
            severity=Severity.WARNING,
        )


def _comes_back(pod: Pod, *, in_place: bool) -> bool:
    return in_place or bool(pod.controller and pod.controller.is_daemon_set)


def _with_port(pod: Pod) -> str:
    return f"{pod.title} ({', '.join(map(str, pod.host_ports))})"


@check(
    id="kube-proxy-replacement",
    title="kube-proxy stays at its work during the migration",
    severity=Severity.WARNING,
    guards=Milestone.BOTH_NETWORKS,
    why=(
        "when Cilium takes over Services from kube-proxy, connections through them are cut, on every node whose agent "
        "starts with that value (cilium PR #16139, #24531)"
    ),
    remedy="set kubeProxyReplacement in cilium.finalValues instead, or leave it to a change of its own afterwards",
)
def kube_proxy_replacement(context: Context) -> Iterator[Found]:
    """Findings about kube-proxy replacement in the config's values, at once or in `finalize`."""
    if replaces_kube_proxy(context.values):
        if context.ahead(Milestone.BOTH_NETWORKS):
            yield Found(
                evidence="cilium.values turns kube-proxy replacement on, for all nodes as soon as Cilium is installed"
            )
    elif replaces_kube_proxy(final_values(context.cilium)) and context.ahead(Milestone.CILIUM_ALONE):
        yield Found(
            evidence="cilium.finalValues turns kube-proxy replacement on, for all nodes once Cilium is alone",
            remedy="connections through Services may break there: plan for it, or do it afterwards by itself",
            severity=Severity.WARNING if context.config.reaches(Milestone.CILIUM_ALONE) else Severity.NOTE,
        )


@check(
    id="kube-proxy-mode",
    title="kube-proxy leaves no addresses behind",
    severity=Severity.WARNING,
    guards=Milestone.CILIUM_ALONE,
    why=(
        "in mode ipvs the node itself holds every Service's address, and goes on to answer for them after kube-proxy "
        "is gone (kubermatic#10717)"
    ),
    remedy="nothing, as long as kube-proxy stays; before it goes set its mode to iptables",
)
def kube_proxy_mode(context: Context) -> Iterator[Found]:
    """A finding about kube-proxy in mode ipvs, which matters when Cilium is to replace it."""
    if context.snapshot.kube_proxy_mode == "ipvs" and context.ahead(Milestone.OLD_NETWORK_GONE):
        replaced = replaces_kube_proxy(final_values(context.cilium))
        yield Found(
            evidence="kube-proxy runs in mode ipvs (ConfigMap kube-system/kube-proxy)"
            + (", and Cilium is to replace it" if replaced else ""),
            severity=Severity.WARNING if replaced else Severity.NOTE,
        )


@check(
    id="api-server-address",
    title="Cilium finds the API server without kube-proxy",
    severity=Severity.WARNING,
    guards=Milestone.CILIUM_ALONE,
    why=(
        "an agent that replaces kube-proxy would look for the API server by a Service that works only once the agent "
        "does (Cilium's page on running without kube-proxy)"
    ),
    remedy="`pulumi config set --path cilium.values.k8sServiceHost ADDRESS`, an address that needs no Service",
)
def api_server_address(context: Context) -> Iterator[Found]:
    """A finding about kube-proxy replacement without an address for the API server."""
    values = final_values(context.cilium)
    if (
        replaces_kube_proxy(values)
        and not value_at(values, "k8sServiceHost")
        and context.ahead(Milestone.OLD_NETWORK_GONE)
    ):
        yield Found(evidence="Cilium is to replace kube-proxy, and its values say no k8sServiceHost")


@check(
    id="load-balancers",
    title="No address is announced by the nodes",
    severity=Severity.NOTE,
    guards=Milestone.NODES_MOVE,
    why=(
        "an address that a node announces moves when the node is drained, and with externalTrafficPolicy Local a node "
        "without a pod answers nobody: clients see that, and no probe inside the cluster does"
    ),
    remedy="watch them from outside while nodes move; keep Cilium's l2announcements and bgpControlPlane off until then",
)
def load_balancers(context: Context) -> Iterator[Found]:
    """A finding about Services of type LoadBalancer."""
    balanced = [each for each in context.snapshot.services if each.balanced]
    if not balanced or not context.ahead(Milestone.CILIUM_ALONE):
        return
    local = [each.title for each in balanced if each.local_only]
    metallb = any("metallb" in name for place in context.snapshot.daemon_set_names for name in place)
    yield Found(
        evidence=f"{many(len(balanced), 'Service')} of type LoadBalancer{' behind MetalLB' if metallb else ''}: "
        f"{some([each.title for each in balanced])}"
        + (f"; with externalTrafficPolicy Local: {some(local)}" if local else "")
    )

"""Proves that a node's network works, from a fresh pod on it and back: API, DNS, Service, pods of both networks.

The host ports of its pods are tried too, where there are any.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from components import probe
from components.names import name_about
from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError
from components.operations.deadline import Deadline, OperationError, Pending, wait_until
from components.operations.objects.model import Node, Pod
from components.operations.our_pods.pod_start import Start, end_of
from components.operations.our_pods.refusals import create_pod, pods_of
from components.operations.turn_annotations import TurnStep, read_node, step_of
from components.operations.turn_steps.host_ports import ask_host_ports
from components.operations.turn_steps.reach_from_pod import Outcomes, Teller, reach
from components.plurals import many
from components.pods import OurPods

VERIFY_LABELS = {"app.kubernetes.io/name": "verify"}
_PODS = pods_of(probe.NAMESPACE)
_NEIGHBOURS = 3
_UNSETTLED = (TurnStep.SWITCHING, TurnStep.RETURNING)
_FULL_SIZE_BYTES = 8000
_KUBELET_SECONDS = 15.0
_REMOVAL_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Verified:
    """The result of a verification: the fresh pod's address, and the seconds until each flow's first answer."""

    address: str
    flows: Mapping[str, float]

    @property
    def slowest(self) -> float:
        """Seconds until the last of the flows had its first answer."""
        return max(self.flows.values(), default=0.0)


class Awaited(Protocol):
    """The node's network and pods, on their way beside its verification; OperationError once they won't come."""

    def network(self) -> bool:
        """Return once the node's network is there; True if that had to be waited for."""

    def pods(self) -> bool:
        """The same of the node's own pods."""


def _name(node: str) -> str:
    return name_about("verify", node)


def fresh_pod(node: str, *, pods: OurPods) -> dict[str, Any]:
    """The pod that verifies a node."""
    return pods.pod(
        _name(node),
        probe.container(),
        namespace=probe.NAMESPACE,
        node=node,
        labels=VERIFY_LABELS,
        volumes=[probe.programs_volume()],
    )


def is_fresh_pod(pod: Pod) -> bool:
    """True for a pod that verifies a node."""
    return pod.namespace == probe.NAMESPACE and pod.labels.items() >= VERIFY_LABELS.items()


def _neighbours(cluster: Cluster, node: str, *, belongs: Callable[[Pod], bool]) -> tuple[list[Pod], list[Pod]]:
    """Some probe pods of other nodes: (on the network that the node joined, on the other one)."""
    items = cluster.list(_PODS, labelSelector=f"app.kubernetes.io/name={probe.NAME}")
    # In a wave other nodes are in their turn as well: what does not answer there says nothing of this node. Nor does
    # the pod of a node that is NotReady or was deleted, which outlives it for a while.
    nodes = map(Node.read, cluster.list("/api/v1/nodes"))
    settled = {each.name for each in nodes if each.ready and step_of(each) not in _UNSETTLED}
    others = [
        pod
        for pod in map(Pod.read, items)
        if pod.ready and not pod.terminating_since and pod.node != node and pod.node in settled
    ]
    others.sort(key=lambda pod: pod.name)
    same = [pod for pod in others if belongs(pod)]
    other = [pod for pod in others if not belongs(pod)]
    return same[:_NEIGHBOURS], other[:_NEIGHBOURS]


def verify_node(
    cluster: Cluster,
    node: str,
    *,
    belongs: Callable[[Pod], bool],
    network: str,
    pods: OurPods,
    timeout_seconds: float,
    news: Teller,
    awaited: Awaited,
) -> Verified:
    """Start a pod on the node and see it reach, and be reached by, everything that pods there need.

    The node's agent and other pods may be on their way meanwhile, and are `awaited`: the first before time counts for
    the pod, the others before their host ports are tried. `belongs` tells the addresses of the network that the node
    must be on, `network` is its name for messages.
    The pod works on a cordoned node and is always removed. Raises OperationError with a line a broken flow.
    """
    path = f"{_PODS}/{_name(node)}"
    _place(cluster, node, pods=pods)
    try:
        early = awaited.network()
        deadline = Deadline(timeout_seconds)
        fresh = _wait_started(cluster, node, deadline)
        if early and not belongs(fresh):
            # Its sandbox was made before the agent had put the other CNI confs out of use.
            _place(cluster, node, pods=pods)
            fresh = _wait_started(cluster, node, deadline)
        if not belongs(fresh):
            raise OperationError(
                f"node {node}: a fresh pod got {fresh.address}, which is not of {network}; "
                f"`kubectl get ciliumnode {node} -o yaml` and the node's CNI conf say why"
            )
        news.say(f"a fresh pod has {fresh.address} of {network}")
        seconds = max(10.0, min(deadline.left, 60.0))
        same, other = _neighbours(cluster, node, belongs=belongs)
        # Side by side: each is a command in another pod, and takes as long as Python takes to start there.
        with ThreadPoolExecutor(max_workers=1 + 2 * _NEIGHBOURS) as pool:
            out = pool.submit(_flows_out, cluster, node, same, other, seconds=seconds)
            flows_in = _flows_in(cluster, pool, node, fresh, same, other, seconds=seconds, news=news)
            flows = out.result() | flows_in
        awaited.pods()
        askers = [pod.name for pod in (*same[:1], *other[:1], fresh)]
        flows |= ask_host_ports(cluster, read_node(cluster, node), belongs=belongs, askers=askers, news=news)
    finally:
        with suppress(ClusterError):
            cluster.delete(path, grace_period_seconds=0)
    broken = [
        f"{flow}: no answer in {outcome['seconds']:.0f} s, {outcome['tries']} tries: {outcome['said']}"
        for flow, outcome in flows.items()
        if not outcome["ok"]
    ]
    if broken:
        raise OperationError(
            f"node {node} stays cordoned: {len(broken)} of {len(flows)} flows of a pod on {network} are broken:\n  "
            + "\n  ".join(broken)
            + "\n  mend that and run `pulumi up` again, or take the node out of `waves` to give it back"
        )
    verified = Verified(address=fresh.address, flows={name: each["seconds"] for name, each in flows.items()})
    news.say(f"{many(len(flows), 'flow')} work, the slowest answered after {verified.slowest:.2f} s")
    return verified


def _flows_in(
    cluster: Cluster, pool: ThreadPoolExecutor, node: str, fresh: Pod, same: list[Pod], other: list[Pod], *,
    seconds: float, news: Teller,
) -> Outcomes:  # fmt: skip
    """From the neighbours' pods to the fresh one; those that can't be asked are said, and at least one must be."""
    url = f"http://{fresh.address}:{probe.PORT}/"

    def ask(pod: Pod) -> Outcomes:
        kind = "the same network" if pod in same else "the other network"
        title = f"pod on {pod.node} ({kind}, {pod.address}) → fresh pod"
        targets = {title: url, f"{title}, full-size packets": f"{url}?bytes={_FULL_SIZE_BYTES}"}
        return reach(cluster, pod.name, targets, seconds=seconds)

    asked = {pod.name: (pod, pool.submit(ask, pod)) for pod in (*same, *other)}
    flows: Outcomes = {}
    unasked = []
    for pod, outcome in asked.values():
        try:
            flows |= outcome.result()
        except ClusterError as error:  # its own node's trouble, and no word on this one
            unasked.append(pod)
            news.say(f"{pod.title} on {pod.node} cannot be asked: {error}")
    if unasked and len(unasked) == len(asked):
        raise OperationError(
            f"node {node} stays cordoned: none of its neighbours' pods can be asked whether they reach it; look at "
            f"the kubelets of {', '.join(pod.node for pod in unasked)} and run `pulumi up` again"
        )
    return flows


def _flows_out(cluster: Cluster, node: str, same: list[Pod], other: list[Pod], *, seconds: float) -> Outcomes:
    kubernetes = cluster.find("/api/v1/namespaces/default/services/kubernetes")
    server = f"{kubernetes['spec']['clusterIP']}:443" if kubernetes else "kubernetes.default.svc"
    targets = {"fresh pod → API server": f"https://{server}/version"}
    if cluster.list("/api/v1/namespaces/kube-system/services", labelSelector="k8s-app=kube-dns"):
        targets["fresh pod → DNS"] = "dns://kubernetes.default.svc"
    service = cluster.find(f"/api/v1/namespaces/{probe.NAMESPACE}/services/{probe.NAME}")
    if service:
        targets["fresh pod → Service"] = f"http://{service['spec']['clusterIP']}:{probe.SERVICE_PORT}/"
    for kind, pods in (("the same network", same), ("the other network", other)):
        for pod in pods:
            url = f"http://{pod.address}:{probe.PORT}/"
            targets[f"fresh pod → pod on {pod.node} ({kind}, {pod.address})"] = url
            targets[f"fresh pod → pod on {pod.node} ({kind}, {pod.address}), full-size packets"] = (
                f"{url}?bytes={_FULL_SIZE_BYTES}"
            )
    # A connection to the kubelet that breaks says nothing of the pod network: ask again.
    return wait_until(
        lambda: reach(cluster, _name(node), targets, seconds=seconds),
        what=f"node {node}: commands in pod {probe.NAMESPACE}/{_name(node)}",
        deadline=Deadline(_KUBELET_SECONDS),
        remedy="look at the node's kubelet and at the API server's way to it; then `pulumi up` again",
    )


def _place(cluster: Cluster, node: str, *, pods: OurPods) -> None:
    """Create the pod in place of one that is there already."""
    _remove(cluster, f"{_PODS}/{_name(node)}", node)
    create_pod(cluster, fresh_pod(node, pods=pods), of=f"node {node}: verification")


def _remove(cluster: Cluster, path: str, node: str) -> None:
    if cluster.delete(path, grace_period_seconds=0):
        wait_until(
            lambda: Pending("it is still there") if cluster.find(path) else None,
            what=f"node {node}: pod {path.rpartition('/')[2]} of an earlier run removed",
            deadline=Deadline(_REMOVAL_SECONDS),
            remedy=f"a finalizer holds it: have its owner let go, or {_let_go(node)}; then `pulumi up` again",
        )


def _let_go(node: str) -> str:
    nothing = '{"metadata":{"finalizers":null}}'
    return f"`kubectl -n {probe.NAMESPACE} patch pod {_name(node)} --type=merge -p '{nothing}'`"


def _wait_started(cluster: Cluster, node: str, deadline: Deadline) -> Pod:
    start = Start(cluster, _name(node), namespace=probe.NAMESPACE, of=f"node {node}: verification")

    def started() -> Pod | Pending:
        item = start.look()
        if isinstance(item, Pending):
            return item
        pod = Pod.read(item)
        if pod.finished:
            raise OperationError(
                f"node {node}: its fresh pod {pod.title} ended ({end_of(item)}), although it serves on: see that "
                "probe.image has Python 3.9 or later; then `pulumi up` again"
            )
        return pod if pod.ready and pod.address else Pending(f"{start.why(item)}, address {pod.address or 'none'}")

    return wait_until(
        started,
        what=f"node {node}: fresh pod {probe.NAMESPACE}/{_name(node)} Ready",
        deadline=deadline,
        remedy="look at the node's kubelet, and at Cilium's agent there; then `pulumi up` again",
        every_seconds=0.3,
    )

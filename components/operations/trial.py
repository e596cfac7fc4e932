"""Our pods tried on the API server in a dry run, which creates nothing, and whether what they name is there."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from components.names import NAMESPACE
from components.operations.api import Cluster, ClusterError, Object
from components.operations.deadline import OperationError
from components.operations.model import Node
from components.operations.node_shell import shell_pod
from components.operations.quotas import Quota, read_quotas, taken_by
from components.operations.refusals import NO_DRY_RUN, PODS, is_refusal, remedy_of
from components.operations.verification import fresh_pod
from components.pods import OurPods
from components.probe.manifests import MOVING, deployment

_ALREADY_THERE = 409  # found out last, when everybody has agreed
_NO_NAMESPACE = 404
_SCRIPT, _VERIFICATION = "the pod that runs scripts on a node", "the pod that verifies a node"
_OF_ONE_TURN = (_SCRIPT, _VERIFICATION)
_PULLING = ("kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg")


@dataclass(frozen=True, kw_only=True)
class Trial:
    """Pods to be tried, preferably on one of these nodes."""

    pods: OurPods
    nodes: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """One of our pods that the API server would not create; not `certain` where that could not be tried."""

    pod: str
    said: str
    remedy: str
    certain: bool = True


@dataclass(frozen=True, kw_only=True)
class Missing:
    """An object that the stack's `pods` names and that is not there, or not what it must be, and what helps."""

    setting: str
    said: str
    remedy: str
    certain: bool = True


@dataclass(frozen=True, kw_only=True)
class Tried:
    """The outcome of a trial; `taken` is what the pods that one node's turn has at a time take of `quotas`.

    `node_selector` is what the API server would have a node's labels be, whoever demands it.
    """

    refused: tuple[Refusal, ...] = ()
    missing: tuple[Missing, ...] = ()
    quotas: tuple[Quota, ...] = ()
    taken: Mapping[str, float] = field(default_factory=dict)
    node_selector: Mapping[str, str] = field(default_factory=dict)


def try_out(cluster: Cluster, trial: Trial, *, nodes: Sequence[Node]) -> Tried:
    """Try the pods, and look for what they name; before our namespace is there, nothing is refused."""
    there = cluster.find(f"/api/v1/namespaces/{NAMESPACE}") is not None
    lacking = tuple(missing(cluster, trial.pods, there=there))
    names = [node.name for node in nodes if node.runs_linux]
    if not there or not names:
        return Tried(missing=lacking)
    node = next((name for name in trial.nodes if name in names), names[0])
    refused, accepted = _outcomes(cluster, trial.pods, node=node)
    return Tried(
        refused=refused,
        missing=lacking,
        quotas=_unless_denied(cluster),
        taken=taken_by(accepted[name] for name in _OF_ONE_TURN if name in accepted),
        node_selector=accepted.get(_SCRIPT, {}).get("spec", {}).get("nodeSelector") or {},
    )


def refusals(cluster: Cluster, pods: OurPods, *, node: str) -> tuple[Refusal, ...]:
    """Refusals that the pods of the node's turn would meet. Raises ClusterError if the server does not say."""
    return _outcomes(cluster, pods, node=node)[0]


def assert_accepted(cluster: Cluster, pods: OurPods, *, node: str) -> None:
    """Raise OperationError, before anything is done to the node, if pods of its turn would be refused."""
    refused = [each for each in refusals(cluster, pods, node=node) if each.certain]
    if refused:
        lines = "\n  ".join(f"{each.pod}: {each.said}: {each.remedy}" for each in refused)
        raise OperationError(
            f"node {node} was not touched, as the API server would refuse pods of its turn:\n  {lines}\n  then "
            "`pulumi up` again"
        )


def missing(cluster: Cluster, pods: OurPods, *, there: bool) -> Iterator[Missing]:
    """Objects that the settings name and that are not to be had; `there` is whether our namespace is."""
    name = pods.settings.priority_class
    if name:
        setting, path = "pods.priorityClass", f"/apis/scheduling.k8s.io/v1/priorityclasses/{name}"
        remedy = f"create it, or take it out of {setting}"
        yield from _looked_at(cluster, path, setting=setting, title=f"PriorityClass {name}", remedy=remedy)
    for name in pods.settings.pull_secrets:
        setting, title = "pods.pullSecrets", f"Secret {NAMESPACE}/{name}"
        remedy = f"create it there, or take it out of {setting}"
        if not there:
            said = f"there is no {title}, as that namespace is not there before the first run"
            yield Missing(setting=setting, said=said, remedy=f"`kubectl create namespace {NAMESPACE}`, and {remedy}")
            continue
        path = f"/api/v1/namespaces/{NAMESPACE}/secrets/{name}"
        yield from _looked_at(cluster, path, setting=setting, title=title, remedy=remedy, types=_PULLING)


def _looked_at(
    cluster: Cluster, path: str, *, setting: str, title: str, remedy: str, types: Sequence[str] = ()
) -> Iterator[Missing]:
    try:
        item = cluster.find(path)
    except ClusterError as error:
        if error.status != 403:
            raise
        said = f"{title} cannot be looked at: {error.said}"
        yield Missing(setting=setting, said=said, remedy="see that it is there, or allow its reading", certain=False)
        return
    if item is None:
        yield Missing(setting=setting, said=f"there is no {title}", remedy=remedy)
    elif types and item.get("type") not in types:
        said = f"{title} is of type {item.get('type')}, which no image is pulled with"
        yield Missing(setting=setting, said=said, remedy=f"make it of type {types[0]}, or take it out of {setting}")


def _samples(pods: OurPods, *, node: str) -> dict[str, Object]:
    """A pod of each kind that a turn needs, by what it is for."""
    template = deployment(pods)["spec"]["template"]
    metadata = {**template["metadata"], "generateName": f"{MOVING}-", "namespace": NAMESPACE}
    return {
        _SCRIPT: shell_pod(node, "inspect_network", pods=pods),
        _VERIFICATION: fresh_pod(node, pods=pods),
        "the probe's pod": {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]},
    }


def _unless_denied(cluster: Cluster) -> tuple[Quota, ...]:
    try:
        return read_quotas(cluster)
    except ClusterError as error:
        if error.status == 403:  # the check of permissions says so
            return ()
        raise


def _outcomes(cluster: Cluster, pods: OurPods, *, node: str) -> tuple[tuple[Refusal, ...], dict[str, Object]]:
    """The pods that are refused; and the others, with what the server would add to them."""
    wanted = _samples(pods, node=node)
    with ThreadPoolExecutor(max_workers=len(wanted)) as pool:
        found = dict(zip(wanted, pool.map(lambda name: _tried(cluster, name, wanted[name]), wanted), strict=True))
    refused = tuple(each for each in found.values() if isinstance(each, Refusal))
    return refused, {name: each for name, each in found.items() if not isinstance(each, Refusal)}


def _tried(cluster: Cluster, name: str, pod: Object) -> Refusal | Object:
    try:
        return cluster.try_out(PODS, pod)
    except ClusterError as error:
        if error.status in (_ALREADY_THERE, _NO_NAMESPACE):
            return pod
        if error.status == 0 and error.sent:
            return Refusal(pod=name, said=error.said, remedy="look for a webhook that pods pass and that hangs")
        if not is_refusal(error):
            raise
        return Refusal(pod=name, said=error.said, remedy=remedy_of(error.said), certain=NO_DRY_RUN not in error.said)

"""Dry runs of this program's pods on the API server, and a search for the objects that the pods refer to."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import product

from components.names import NAMESPACE, NAMESPACES
from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError, Object
from components.operations.deadline import OperationError
from components.operations.objects.model import Node
from components.operations.our_pods.node_shell import shell_pod
from components.operations.our_pods.quotas import Quota, read_quotas, taken_by
from components.operations.our_pods.refusals import NO_DRY_RUN, is_refusal, pods_of, remedy_of
from components.operations.turn_steps.verification import fresh_pod
from components.pods import OurPods
from components.probe.manifests import MOVING, deployment

_ALREADY_THERE = 409  # the last of the API server's checks: admission has passed
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
    """One of our pods that the API server would refuse; not `certain` if it could not be tried."""

    pod: str
    said: str
    remedy: str
    certain: bool = True


@dataclass(frozen=True, kw_only=True)
class Missing:
    """An object that the stack's `pods` names and that is missing or unsuitable, with the remedy."""

    setting: str
    said: str
    remedy: str
    certain: bool = True


@dataclass(frozen=True, kw_only=True)
class Tried:
    """The outcome of a trial; `taken` has, by namespace, the quota that the pods of one node's turn use at a time.

    `node_selectors` are the node labels that these pods need, by their own selector or one that admission adds.
    """

    refused: tuple[Refusal, ...] = ()
    missing: tuple[Missing, ...] = ()
    quotas: tuple[Quota, ...] = ()
    taken: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    node_selectors: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def taken_of_node(self, resource: str) -> float:
        """The amount of a resource that those pods request from their node, in both namespaces together."""
        return sum(each.get(resource, 0) for each in self.taken.values())


def try_out(cluster: Cluster, trial: Trial, *, nodes: Sequence[Node]) -> Tried:
    """Try the pods, and look for the objects that they name; pods of a missing namespace are skipped."""
    there = [name for name in NAMESPACES if cluster.find(f"/api/v1/namespaces/{name}") is not None]
    lacking = tuple(missing(cluster, trial.pods, there=there))
    names = [node.name for node in nodes if node.runs_linux]
    if not there or not names:
        return Tried(missing=lacking)
    node = next((name for name in trial.nodes if name in names), names[0])
    refused, accepted = _outcomes(cluster, trial.pods, node=node, there=there)
    of_turn = [accepted[name] for name in _OF_ONE_TURN if name in accepted]
    return Tried(
        refused=refused,
        missing=lacking,
        quotas=tuple(quota for name in there for quota in _unless_denied(cluster, name)),
        taken={name: taken_by(pod for pod in of_turn if _namespace(pod) == name) for name in NAMESPACES},
        node_selectors={_namespace(pod): pod["spec"].get("nodeSelector") or {} for pod in of_turn},
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


def missing(cluster: Cluster, pods: OurPods, *, there: Collection[str]) -> Iterator[Missing]:
    """Objects that the settings name and that are missing; `there` are those of our namespaces that exist."""
    name = pods.settings.priority_class
    if name:
        setting, path = "pods.priorityClass", f"/apis/scheduling.k8s.io/v1/priorityclasses/{name}"
        remedy = f"create it, or take it out of {setting}"
        yield from _looked_at(cluster, path, setting=setting, title=f"PriorityClass {name}", remedy=remedy)
    for namespace, name in product(NAMESPACES, pods.settings.pull_secrets):
        setting, title = "pods.pullSecrets", f"Secret {namespace}/{name}"
        remedy = f"create it there, or take it out of {setting}"
        if namespace not in there:
            said = f"there is no {title}, as that namespace is not there yet"
            yield Missing(setting=setting, said=said, remedy=f"`kubectl create namespace {namespace}`, and {remedy}")
            continue
        path = f"/api/v1/namespaces/{namespace}/secrets/{name}"
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
    """One pod of each kind that a turn needs, by its purpose."""
    template = deployment(pods)["spec"]["template"]
    metadata = {**template["metadata"], "generateName": f"{MOVING}-", "namespace": NAMESPACE}
    return {
        _SCRIPT: shell_pod(node, "inspect_network", pods=pods),
        _VERIFICATION: fresh_pod(node, pods=pods),
        "the probe's pod": {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]},
    }


def _namespace(pod: Object) -> str:
    return str(pod["metadata"]["namespace"])


def _unless_denied(cluster: Cluster, namespace: str) -> tuple[Quota, ...]:
    try:
        return read_quotas(cluster, namespace)
    except ClusterError as error:
        if error.status == 403:  # reported by the check of permissions
            return ()
        raise


def _outcomes(
    cluster: Cluster, pods: OurPods, *, node: str, there: Collection[str] = NAMESPACES
) -> tuple[tuple[Refusal, ...], dict[str, Object]]:
    """(the refused pods, the others with the fields that the server would add).

    A pod whose namespace is not `there` yet cannot be tried, and is returned unchanged.
    """
    wanted = _samples(pods, node=node)
    with ThreadPoolExecutor(max_workers=len(wanted)) as pool:
        tried = {
            name: pool.submit(_tried, cluster, name, pod) for name, pod in wanted.items() if _namespace(pod) in there
        }
        found = wanted | {name: each.result() for name, each in tried.items()}
    refused = tuple(each for each in found.values() if isinstance(each, Refusal))
    return refused, {name: each for name, each in found.items() if not isinstance(each, Refusal)}


def _tried(cluster: Cluster, name: str, pod: Object) -> Refusal | Object:
    try:
        return cluster.try_out(pods_of(_namespace(pod)), pod)
    except ClusterError as error:
        if error.status == _ALREADY_THERE:
            return pod
        if error.status == 0 and error.sent:
            return Refusal(pod=name, said=error.said, remedy="look for a webhook that pods pass and that hangs")
        if not is_refusal(error):
            raise
        remedy = remedy_of(error.said, namespace=_namespace(pod))
        return Refusal(pod=name, said=error.said, remedy=remedy, certain=NO_DRY_RUN not in error.said)

"""Refusals of this program's pods by the API server, with remedies: quotas, limits, policies, webhooks, the pod."""

import re

from components.names import NAMESPACE, NODES_NAMESPACE
from components.namespaces import ENFORCE, LEVELS
from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError, Object
from components.operations.deadline import Deadline, OperationError, pause

POD_SECURITY = "violates PodSecurity"
NO_RIGHT = 'cannot create resource "pods"'
NO_DRY_RUN = "does not support dry run"
_NO_ACCOUNT = "looking up service account"
_YOUNG_SECONDS, _LOOK_AGAIN_SECONDS = 10.0, 0.2
_LET_IT_IN = "have whoever runs it let namespace {here} pass, or make our pods fit by the stack's `pods`"
# Our pods keep to their namespace's level: either its label is missing, or a webhook adds forbidden settings to them.
_AT_LEVEL = {
    NODES_NAMESPACE: (
        f"`kubectl label namespace {{here}} {ENFORCE}={LEVELS[NODES_NAMESPACE]} --overwrite`: pods that work on a node "
        "itself are privileged"
    ),
    NAMESPACE: "our pods there keep to that level: have whoever adds what it forbids leave namespace {here} out",
}
# By the server's message, the most specific first; a group is a name that the remedy repeats, `here` the namespace.
_REMEDIES = (
    (NO_RIGHT, "give the user of the kubeconfig this right, or use another one"),
    (
        r"exceeded quota: ([^,\s]+)",
        "raise ResourceQuota {here}/{}, or have our pods ask for less by pods.resources",
    ),
    (
        r"failed quota: ([^:\s]+): must specify",
        "ResourceQuota {here}/{} demands them of each pod: set pods.resources.requests and .limits",
    ),
    (
        r"insufficient quota to match these scopes",
        "a ResourceQuota in namespace {here} must allow this pods.priorityClass, or choose another",
    ),
    (
        r"status unknown for quota: ([^,\s]+)",
        "look at ResourceQuota {here}/{}: nobody counts it; is the controller manager up?",
    ),
    (
        r"(?:maximum|minimum) \S+ usage per|limit to request ratio",
        "a LimitRange in namespace {here} says so: set pods.resources within its bounds, or change it",
    ),
    (r"ValidatingAdmissionPolicy '([^']+)'", "policy {} forbids it: " + _LET_IT_IN),
    (r"failed calling webhook \"([^\"]+)\"", "webhook {} does not answer: mend it, or exempt namespace {here}"),
    (rf"admission webhook \"([^\"]+)\" {NO_DRY_RUN}", "webhook {} cannot be asked before the turn: see that it agrees"),
    (r"admission webhook \"([^\"]+)\" denied", "webhook {} forbids it: " + _LET_IT_IN),
    (r"no PriorityClass with name (\S+)", "create PriorityClass {}, or change pods.priorityClass"),
    (
        _NO_ACCOUNT,
        "ServiceAccount {here}/default is missing, which the controller manager makes: is it up?",
    ),
    (r"namespaces \"[^\"]+\" not found", "`pulumi up --refresh` brings namespace {here}"),
    (r"is being terminated", "namespace {here} is being deleted: wait until it is gone, or see what keeps it"),
    (r"is invalid: |cannot be handled as a Pod", "mend what the stack's `pods` says of it"),
)


def pods_of(namespace: str) -> str:
    """The API path of a namespace's pods."""
    return f"/api/v1/namespaces/{namespace}/pods"


def remedy_of(said: str, *, namespace: str) -> str:
    """The remedy for a refusal with this message of one of our pods in that namespace."""
    for pattern, remedy in ((POD_SECURITY, _AT_LEVEL[namespace]), *_REMEDIES):
        if found := re.search(pattern, said):
            return remedy.format(*found.groups(), here=namespace)
    return _LET_IT_IN.format(here=namespace)


def is_refusal(error: ClusterError) -> bool:
    """True if this pod was refused, rather than any request at all."""
    return error.status in (400, 403, 404, 413, 422) or "webhook" in error.said


def create_pod(cluster: Cluster, pod: Object, *, of: str) -> None:
    """Create one of our pods; raises OperationError with the remedy if it is refused. `of` is its purpose."""
    namespace = str(pod["metadata"]["namespace"])
    try:
        _create(cluster, pods_of(namespace), pod)
    except ClusterError as error:
        if not is_refusal(error):
            raise
        remedy = remedy_of(error.said, namespace=namespace)
        raise OperationError(
            f"{of}: the API server refuses its pod: {error.said}: {remedy}; then `pulumi up` again"
        ) from error


def _create(cluster: Cluster, path: str, pod: Object) -> None:
    """Create the pod; if its namespace is new, wait until that has its ServiceAccount."""
    deadline = Deadline(_YOUNG_SECONDS)
    while True:
        try:
            cluster.create(path, pod)
        except ClusterError as error:
            if _NO_ACCOUNT not in error.said or deadline.passed:
                raise
        else:
            return
        pause(_LOOK_AGAIN_SECONDS)

"""Why an API server refuses a pod of ours, and what helps against it: quotas, limits, policies, webhooks, the pod."""

import re

from components.names import NAMESPACE
from components.operations.api import Cluster, ClusterError, Object
from components.operations.deadline import OperationError

PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
POD_SECURITY = "violates PodSecurity"
NO_RIGHT = 'cannot create resource "pods"'
NO_DRY_RUN = "does not support dry run"
PRIVILEGED = f"`kubectl label namespace {NAMESPACE} pod-security.kubernetes.io/enforce=privileged --overwrite`"
_LET_IT_IN = f"have whoever runs it let namespace {NAMESPACE} pass, or make our pods fit by the stack's `pods`"
# By the server's own words, the most telling first; a group is a name that the remedy repeats.
_REMEDIES = (
    (NO_RIGHT, "give the user of the kubeconfig this right, or use another one"),
    (rf"{POD_SECURITY}", f"{PRIVILEGED}: pods that work on a node itself are privileged"),
    (
        r"exceeded quota: ([^,\s]+)",
        f"raise ResourceQuota {NAMESPACE}/{{}}, or have our pods ask for less by pods.resources",
    ),
    (
        r"failed quota: ([^:\s]+): must specify",
        f"ResourceQuota {NAMESPACE}/{{}} demands them of each pod: set pods.resources.requests and .limits",
    ),
    (
        r"insufficient quota to match these scopes",
        f"a ResourceQuota in namespace {NAMESPACE} must allow this pods.priorityClass, or choose another",
    ),
    (
        r"status unknown for quota: ([^,\s]+)",
        f"look at ResourceQuota {NAMESPACE}/{{}}: nobody counts it; is the controller manager up?",
    ),
    (
        r"(?:maximum|minimum) \S+ usage per|limit to request ratio",
        f"a LimitRange in namespace {NAMESPACE} says so: set pods.resources within its bounds, or change it",
    ),
    (r"ValidatingAdmissionPolicy '([^']+)'", f"policy {{}} forbids it: {_LET_IT_IN}"),
    (r"failed calling webhook \"([^\"]+)\"", f"webhook {{}} does not answer: mend it, or exempt namespace {NAMESPACE}"),
    (rf"admission webhook \"([^\"]+)\" {NO_DRY_RUN}", "webhook {} cannot be asked before the turn: see that it agrees"),
    (r"admission webhook \"([^\"]+)\" denied", f"webhook {{}} forbids it: {_LET_IT_IN}"),
    (r"no PriorityClass with name (\S+)", "create PriorityClass {}, or change pods.priorityClass"),
    (
        r"looking up service account",
        f"ServiceAccount {NAMESPACE}/default is missing, which the controller manager makes: is it up?",
    ),
    (r"is being terminated", f"namespace {NAMESPACE} is being deleted: wait until it is gone, or see what keeps it"),
    (r"is invalid: |cannot be handled as a Pod", "mend what the stack's `pods` says of it"),
)


def remedy_of(said: str) -> str:
    """The remedy for a refusal in these words."""
    for pattern, remedy in _REMEDIES:
        if found := re.search(pattern, said):
            return remedy.format(*found.groups())
    return _LET_IT_IN


def is_refusal(error: ClusterError) -> bool:
    """True if it is this pod that was refused, rather than any request at all."""
    return error.status in (400, 403, 413, 422) or "webhook" in error.said


def create_pod(cluster: Cluster, pod: Object, *, of: str) -> None:
    """Create a pod of ours; raises OperationError with the remedy if it is refused, `of` is what it is for."""
    try:
        cluster.create(PODS, pod)
    except ClusterError as error:
        if not is_refusal(error):
            raise
        raise OperationError(
            f"{of}: the API server refuses its pod: {error.said}: {remedy_of(error.said)}; then `pulumi up` again"
        ) from error

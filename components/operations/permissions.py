"""What the program asks of the API, and what of that its user may not do."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum

from components.names import NAMESPACE
from components.operations.api import Cluster, ClusterError
from components.operations.calico_objects import read_kinds
from stacks.objects import ObjectName

_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_AT_ONCE = 16
_KEEP = "get create patch delete"
_LOOK = "list"
_CHECKS = (
    ("", "services", _LOOK),
    ("", "namespaces", _LOOK),
    ("networking.k8s.io", "networkpolicies servicecidrs", _LOOK),
    ("apiregistration.k8s.io", "apiservices", _LOOK),
    ("policy.networking.k8s.io", "adminnetworkpolicies baselineadminnetworkpolicies", _LOOK),
    ("admissionregistration.k8s.io", "validatingwebhookconfigurations mutatingwebhookconfigurations", _LOOK),
)
_EVERYWHERE = (
    ("", "nodes", "get list patch"),
    ("", "pods", "get list delete"),
    ("", "pods/eviction", "create"),
    ("", "persistentvolumes", "list"),
    ("", "namespaces", "get create"),
    ("", "replicationcontrollers", "get"),
    ("apps", "daemonsets", "get list"),
    ("apps", "deployments replicasets statefulsets", "get"),
    ("policy", "poddisruptionbudgets", "list"),
    ("cilium.io", "ciliumnodes", "get list"),
    ("cilium.io", "ciliumnetworkpolicies ciliumclusterwidenetworkpolicies", f"{_KEEP} list"),
    ("rbac.authorization.k8s.io", "clusterroles clusterrolebindings", _KEEP),
)
_OURS = (
    ("", "pods services", _KEEP),
    ("", "configmaps", "get list create patch delete"),
    ("", "pods/exec", "get create"),
    ("", "pods/log", "get"),
    ("", "secrets", "get create delete"),
    ("apps", "daemonsets deployments", _KEEP),
    ("policy", "poddisruptionbudgets", _KEEP),
    ("networking.k8s.io", "networkpolicies", _KEEP),
    ("coordination.k8s.io", "leases", "get create patch"),
)
_CILIUMS = (
    ("", "configmaps secrets services serviceaccounts", _KEEP),
    ("apps", "daemonsets deployments", _KEEP),
    ("rbac.authorization.k8s.io", "roles rolebindings", _KEEP),
    ("cilium.io", "ciliumnodeconfigs", "get list create patch delete"),
)


# What the old CNI's removal takes, in its namespace and everywhere; and what is Calico's besides.
_REMOVAL = (
    ("apps", "daemonsets deployments", "get list delete"),
    ("apps", "statefulsets", _LOOK),
    ("policy", "poddisruptionbudgets", "delete"),
    ("", "configmaps serviceaccounts services", "delete"),
    ("", "pods", _LOOK),
)
_REMOVAL_EVERYWHERE = (
    ("", "namespaces", "get delete"),
    ("rbac.authorization.k8s.io", "clusterrolebindings clusterroles", "list delete"),
    ("rbac.authorization.k8s.io", "rolebindings", _LOOK),
)
_OF_CALICO = (
    ("apiextensions.k8s.io", "customresourcedefinitions", "list delete"),
    ("", "nodes/status", "patch"),
)
_OPERATED = (("operator.tigera.io", "installations", "get delete"),)
# An API server lets nobody give rights that they lack themselves unless by these, and Cilium's roles are new rights.
_GRANTS = (("rbac.authorization.k8s.io", "clusterroles", "escalate bind"),)

# What moves Calico's address detection, by how Calico is installed.
_PREPARATION = {
    "calico": (("apps", "daemonsets", "patch"),),
    "calico-operator": (("operator.tigera.io", "installations", "get patch"),),
}


@dataclass(frozen=True, kw_only=True)
class Aims:
    """What of a migration is not the same for everybody: the objects that shall go at the end, and when that is near.

    `source` is the old CNI's kind and `home` its namespace, as long as it is there; both are empty until it is known.
    `prepares` says whether it has to be prepared for Cilium.
    """

    removals: tuple[ObjectName, ...] = ()
    removes: bool = False
    source: str = ""
    home: str = ""
    prepares: bool = False


NO_AIMS = Aims()


class Purpose(Enum):
    """What a right is for: the work itself, checks alone, or giving rights to Cilium that the user may lack itself."""

    WORK = "work"
    LOOK = "look"
    GRANT = "grant"


@dataclass(frozen=True, kw_only=True)
class Need:
    """One verb on one resource; everywhere, or in a namespace."""

    verb: str
    group: str
    resource: str
    namespace: str = ""
    purpose: Purpose = Purpose.WORK

    @property
    def title(self) -> str:
        """In an operator's words."""
        kind = f"{self.resource}.{self.group}" if self.group else self.resource
        return f"{self.verb} {kind}" + (f" in {self.namespace}" if self.namespace else "")


def needs(
    *, cilium_namespace: str, aims: Aims = NO_AIMS, calico: Sequence[tuple[str, str, str]] = ()
) -> Iterator[Need]:
    """Everything that a migration asks for up to its cleanup, and of that what the aims ask for.

    `calico` are the kinds of Calico's that the API serves, as `read_kinds` has them.
    """
    work = [("", _EVERYWHERE), (NAMESPACE, _OURS), (cilium_namespace, _CILIUMS)]
    work += [("", tuple((group, resource, _LOOK) for _, group, resource in calico))]
    if aims.prepares and aims.home:
        work += [(aims.home if aims.source == "calico" else "", _PREPARATION.get(aims.source, ()))]
    if aims.removes and aims.home:
        work += [(aims.home, _REMOVAL), ("", _REMOVAL_EVERYWHERE)]
        work += [("", _OF_CALICO)] if aims.source.startswith(("calico", "canal")) else []
        work += [("", _OPERATED)] if aims.source == "calico-operator" else []
    tables = [*((*each, Purpose.WORK) for each in work), ("", _CHECKS, Purpose.LOOK), ("", _GRANTS, Purpose.GRANT)]
    for namespace, table, purpose in tables:
        for group, resources, verbs in table:
            for resource in resources.split():
                for verb in verbs.split():
                    yield Need(verb=verb, group=group, resource=resource, namespace=namespace, purpose=purpose)
    for each in aims.removals:
        for verb in ("get", "delete") if aims.removes else ("get",):
            yield Need(verb=verb, group=each.group, resource=each.resource, namespace=each.namespace)
    yield Need(
        verb="list", group="coordination.k8s.io", resource="leases", namespace="kube-node-lease", purpose=Purpose.LOOK
    )


def _allowed(cluster: Cluster, need: Need) -> bool:
    resource, _, subresource = need.resource.partition("/")
    asked = {"verb": need.verb, "group": need.group, "resource": resource, "subresource": subresource}
    body = {"spec": {"resourceAttributes": {**asked, "namespace": need.namespace}}}
    answer = cluster.create(
        _REVIEWS, {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", **body}
    )
    return bool((answer.get("status") or {}).get("allowed"))


def denied(cluster: Cluster, *, cilium_namespace: str, aims: Aims = NO_AIMS) -> tuple[Need, ...]:
    """What the user may not do: one question of an administrator, one for each need of anybody else.

    A server that does not answer such questions denies nothing.
    """
    try:
        if _allowed(cluster, Need(verb="*", group="*", resource="*")):
            return ()
        asked = needs(cilium_namespace=cilium_namespace, aims=aims, calico=read_kinds(cluster))
        wanted = list(dict.fromkeys(asked))
        with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            answers = list(pool.map(lambda need: _allowed(cluster, need), wanted))
    except ClusterError as error:
        if error.status in (403, 404):
            return ()
        raise
    return tuple(need for need, allowed in zip(wanted, answers, strict=True) if not allowed)

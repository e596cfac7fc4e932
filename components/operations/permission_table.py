"""Every right that a migration uses, by the phase that uses it first: the one table behind the check and `docs/rbac`.

A row is (group, resources, verbs). `create` beside `patch` is for server-side apply, which asks for both; `list watch`
is how Pulumi's plugin waits, for an object to be ready and for a deletion to be over.
"""

from enum import Enum

from stacks.phases import Phase

Row = tuple[str, str, str]
_RBAC, _CILIUM = "rbac.authorization.k8s.io", "cilium.io"
_KEEP = "get create patch delete"
_KEEP_AND_WAIT = "get list watch create patch delete"


class Place(Enum):
    """Where a right is needed."""

    EVERYWHERE = ""
    OURS = "the program's namespace"
    CILIUM = "Cilium's namespace"
    SECRETS = "the namespace of Cilium's copies of Secrets"
    SOURCE = "the old CNI's namespace"


class Purpose(Enum):
    """The use of a right: the work itself, checks alone, or giving rights to Cilium that the user may lack itself."""

    WORK = "work"
    LOOK = "look"
    GRANT = "grant"


TABLE: tuple[tuple[Phase, Place, Purpose, tuple[Row, ...]], ...] = (
    (Phase.PREFLIGHT, Place.EVERYWHERE, Purpose.WORK, (
        ("", "nodes", "get list"),
        ("", "pods", "list"),
        ("", "namespaces", "get list watch create patch delete"),
        ("", "configmaps", "get"),
        ("apps", "daemonsets", "get list"),
        ("policy", "poddisruptionbudgets", "list"),
        (_CILIUM, "ciliumnodes", "list"),
    )),
    (Phase.PREFLIGHT, Place.EVERYWHERE, Purpose.LOOK, (
        ("", "services persistentvolumeclaims persistentvolumes resourcequotas limitranges", "list"),
        ("", "replicationcontrollers", "list"),
        ("storage.k8s.io", "storageclasses csinodes", "list"),
        ("apps", "replicasets statefulsets", "list"),
        ("batch", "jobs", "list"),
        ("networking.k8s.io", "networkpolicies servicecidrs", "list"),
        ("apiregistration.k8s.io", "apiservices", "list"),
        ("policy.networking.k8s.io", "adminnetworkpolicies baselineadminnetworkpolicies", "list"),
        ("admissionregistration.k8s.io", "validatingwebhookconfigurations mutatingwebhookconfigurations", "list"),
        (_CILIUM, "ciliumnetworkpolicies ciliumclusterwidenetworkpolicies", "list"),
    )),
    (Phase.PREFLIGHT, Place.OURS, Purpose.WORK, (
        ("", "configmaps services", _KEEP_AND_WAIT),
        ("", "pods", "get list watch create delete"),
        ("", "endpoints persistentvolumeclaims", "list watch"),
        ("", "pods/log", "get"),
        ("", "secrets", "get create delete"),
        ("apps", "daemonsets deployments", _KEEP_AND_WAIT),
        ("apps", "replicasets", "list watch"),
        ("policy", "poddisruptionbudgets", _KEEP_AND_WAIT),
        ("networking.k8s.io", "networkpolicies", _KEEP_AND_WAIT),
        ("coordination.k8s.io", "leases", "get create patch"),
    )),
    (Phase.PREFLIGHT, Place.OURS, Purpose.LOOK, (
        ("", "events", "list"),
    )),
    (Phase.PREFLIGHT, Place.CILIUM, Purpose.WORK, (
        (_CILIUM, "ciliumnodeconfigs", "list"),
    )),
    (Phase.PREFLIGHT, Place.CILIUM, Purpose.LOOK, (
        ("", "secrets configmaps", "list"),
    )),
    (Phase.SECONDARY, Place.EVERYWHERE, Purpose.WORK, (
        (_RBAC, "clusterroles clusterrolebindings", _KEEP),
        (_CILIUM, "ciliumnetworkpolicies ciliumclusterwidenetworkpolicies", _KEEP_AND_WAIT),
    )),
    (Phase.SECONDARY, Place.EVERYWHERE, Purpose.GRANT, (
        (_RBAC, "clusterroles", "escalate bind"),
    )),
    (Phase.SECONDARY, Place.CILIUM, Purpose.WORK, (
        ("", "configmaps services serviceaccounts", _KEEP),
        ("", "secrets", "get list create update patch delete"),
        ("", "pods/exec", "get create"),
        ("apps", "daemonsets deployments", _KEEP),
        (_RBAC, "roles rolebindings", _KEEP),
        (_CILIUM, "ciliumnodeconfigs", _KEEP_AND_WAIT),
    )),
    (Phase.SECONDARY, Place.CILIUM, Purpose.GRANT, (
        (_RBAC, "roles", "escalate bind"),
    )),
    (Phase.SECONDARY, Place.SECRETS, Purpose.WORK, (
        (_RBAC, "roles rolebindings", _KEEP),
    )),
    (Phase.SECONDARY, Place.SECRETS, Purpose.GRANT, (
        (_RBAC, "roles", "escalate bind"),
    )),
    (Phase.MIGRATE, Place.EVERYWHERE, Purpose.WORK, (
        ("", "nodes", "patch"),
        ("", "pods", "get delete"),
        ("", "pods/eviction events", "create"),
        ("", "services", "get list"),
        ("", "replicationcontrollers", "get"),
        ("apps", "deployments replicasets statefulsets", "get"),
        (_CILIUM, "ciliumnodes", "get"),
    )),
    (Phase.MIGRATE, Place.OURS, Purpose.WORK, (
        ("", "pods/exec", "get create"),
    )),
)  # fmt: skip

# What the old CNI's removal takes, in its namespace and everywhere; and what is Calico's besides.
REMOVAL: tuple[Row, ...] = (
    ("apps", "daemonsets deployments", "get list delete"),
    ("apps", "statefulsets", "list"),
    ("policy", "poddisruptionbudgets", "delete"),
    ("", "configmaps serviceaccounts services", "delete"),
    ("", "pods", "list"),
)
REMOVAL_EVERYWHERE: tuple[Row, ...] = (
    ("", "namespaces", "get delete"),
    (_RBAC, "clusterrolebindings clusterroles", "list delete"),
    (_RBAC, "rolebindings", "list"),
)
OF_CALICO: tuple[Row, ...] = (
    ("apiextensions.k8s.io", "customresourcedefinitions", "list delete"),
    ("", "nodes/status", "patch"),
)
OF_CALICOS_OPERATOR: tuple[Row, ...] = (("operator.tigera.io", "installations", "get delete"),)

# What moves Calico's address detection, by how Calico is installed.
PREPARATION: dict[str, tuple[Place, tuple[Row, ...]]] = {
    "calico": (Place.SOURCE, (("apps", "daemonsets", "patch"),)),
    "calico-operator": (Place.EVERYWHERE, (("operator.tigera.io", "installations", "get patch"),)),
}

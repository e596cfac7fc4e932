"""Every permission that a migration uses, by the phase that uses it first: the source of the check and `docs/rbac`.

A row is (group, resources, verbs). `create` beside `patch` is for server-side apply, which needs both; Pulumi's plugin
uses `list watch` to wait for an object's readiness and deletion.
"""

from enum import Enum

from stacks.strategies import Milestone

Row = tuple[str, str, str]
_RBAC, _CILIUM = "rbac.authorization.k8s.io", "cilium.io"
_POLICIES = "networking.k8s.io"
_KEEP = "get create patch delete"
KEEP_AND_WAIT = "get list watch create patch delete"


class Place(Enum):
    """The namespace in which a permission is needed."""

    EVERYWHERE = ""
    OURS = "the namespace of the probe and of the record"
    NODES = "the namespace of the pods that work on nodes"
    CILIUM = "Cilium's namespace"
    SECRETS = "the namespace of Cilium's copies of Secrets"
    SOURCE = "the old CNI's namespace"
    OPERATOR = "the namespace of the old CNI's operator"


class Purpose(Enum):
    """The use of a permission: the work itself, checks alone, or granting it to Cilium without having it."""

    WORK = "work"
    LOOK = "look"
    GRANT = "grant"


TABLE: tuple[tuple[Milestone, Place, Purpose, tuple[Row, ...]], ...] = (
    (Milestone.BEFORE_CILIUM, Place.EVERYWHERE, Purpose.WORK, (
        ("", "nodes", "get list"),
        ("", "pods", "list"),
        ("", "namespaces", "get list watch create patch delete"),
        ("", "configmaps", "get"),
        ("apps", "daemonsets", "get list"),
        ("policy", "poddisruptionbudgets", "list"),
        (_CILIUM, "ciliumnodes", "list"),
    )),
    (Milestone.BEFORE_CILIUM, Place.EVERYWHERE, Purpose.LOOK, (
        ("", "services persistentvolumeclaims persistentvolumes resourcequotas limitranges", "list"),
        ("", "replicationcontrollers", "list"),
        ("storage.k8s.io", "storageclasses csinodes", "list"),
        ("apps", "replicasets statefulsets", "list"),
        ("batch", "jobs", "list"),
        ("networking.k8s.io", "ingresses networkpolicies servicecidrs", "list"),
        ("apiregistration.k8s.io", "apiservices", "get list"),
        ("policy.networking.k8s.io",
         "adminnetworkpolicies baselineadminnetworkpolicies clusternetworkpolicies", "list"),
        ("discovery.k8s.io", "endpointslices", "get list"),
        ("apiextensions.k8s.io", "customresourcedefinitions", "list"),
        ("k8s.cni.cncf.io", "network-attachment-definitions", "list"),
        ("gateway.networking.k8s.io", "gateways", "list"),
        ("metallb.io", "ipaddresspools addresspools bgppeers", "list"),
        ("purelb.io", "servicegroups", "list"),
        ("elbv2.k8s.aws", "targetgroupbindings ingressclassparams", "list"),
        ("network.kubesphere.io", "eips bgppeers", "list"),
        (_CILIUM, "ciliumloadbalancerippools ciliumbgppeeringpolicies ciliumbgpclusterconfigs", "list"),
        ("admissionregistration.k8s.io", "validatingwebhookconfigurations mutatingwebhookconfigurations", "list"),
        (_CILIUM, "ciliumnetworkpolicies ciliumclusterwidenetworkpolicies", "list"),
        (_RBAC, "clusterroles clusterrolebindings", "list"),
    )),
    (Milestone.BEFORE_CILIUM, Place.OURS, Purpose.WORK, (
        ("", "configmaps services", KEEP_AND_WAIT),
        ("", "pods", "get list watch create delete"),
        ("", "endpoints persistentvolumeclaims", "list watch"),
        ("", "pods/log", "get"),
        ("", "secrets", "get create delete"),
        ("apps", "daemonsets deployments", KEEP_AND_WAIT),
        ("apps", "replicasets", "list watch"),
        ("policy", "poddisruptionbudgets", KEEP_AND_WAIT),
        ("networking.k8s.io", "networkpolicies", KEEP_AND_WAIT),
        ("coordination.k8s.io", "leases", "get create patch"),
    )),
    (Milestone.BEFORE_CILIUM, Place.OURS, Purpose.LOOK, (
        ("", "events", "list"),
    )),
    (Milestone.BEFORE_CILIUM, Place.NODES, Purpose.WORK, (
        ("", "pods", "get list create delete"),
        ("", "pods/log", "get"),
    )),
    (Milestone.BEFORE_CILIUM, Place.NODES, Purpose.LOOK, (
        ("", "events", "list"),
        ("", "secrets", "get"),
    )),
    (Milestone.BEFORE_CILIUM, Place.CILIUM, Purpose.WORK, (
        (_CILIUM, "ciliumnodeconfigs", "list"),
    )),
    (Milestone.BEFORE_CILIUM, Place.CILIUM, Purpose.LOOK, (
        ("", "secrets configmaps", "list"),
    )),
    (Milestone.BOTH_NETWORKS, Place.EVERYWHERE, Purpose.WORK, (
        (_RBAC, "clusterroles clusterrolebindings", _KEEP),
        (_CILIUM, "ciliumnetworkpolicies ciliumclusterwidenetworkpolicies", KEEP_AND_WAIT),
    )),
    (Milestone.BOTH_NETWORKS, Place.EVERYWHERE, Purpose.GRANT, (
        (_RBAC, "clusterroles", "escalate bind"),
    )),
    (Milestone.BOTH_NETWORKS, Place.CILIUM, Purpose.WORK, (
        ("", "configmaps services serviceaccounts", _KEEP),
        ("", "secrets", "get list create update patch delete"),
        ("", "pods/exec", "get create"),
        ("apps", "daemonsets deployments", _KEEP),
        (_RBAC, "roles rolebindings", _KEEP),
        (_CILIUM, "ciliumnodeconfigs", KEEP_AND_WAIT),
    )),
    (Milestone.BOTH_NETWORKS, Place.CILIUM, Purpose.GRANT, (
        (_RBAC, "roles", "escalate bind"),
    )),
    (Milestone.BOTH_NETWORKS, Place.SECRETS, Purpose.WORK, (
        (_RBAC, "roles rolebindings", _KEEP),
    )),
    (Milestone.BOTH_NETWORKS, Place.SECRETS, Purpose.GRANT, (
        (_RBAC, "roles", "escalate bind"),
    )),
    (Milestone.NODES_MOVE, Place.EVERYWHERE, Purpose.WORK, (
        ("", "nodes", "patch"),
        ("", "pods", "get delete"),
        ("", "pods/eviction events", "create"),
        ("", "services", "get list"),
        ("", "replicationcontrollers", "get"),
        ("apps", "deployments replicasets statefulsets", "get"),
        (_CILIUM, "ciliumnodes", "get"),
    )),
    (Milestone.NODES_MOVE, Place.OURS, Purpose.WORK, (
        ("", "pods/exec", "get create"),
    )),
)  # fmt: skip

# What the old CNI's removal takes, in its namespace and everywhere, whichever it is.
REMOVAL: tuple[Row, ...] = (
    ("apps", "daemonsets deployments", "get list delete"),
    ("apps", "statefulsets", "list"),
    ("policy", "poddisruptionbudgets", "delete"),
    ("", "configmaps serviceaccounts services", "delete"),
    ("", "pods", "list"),
)
REMOVAL_EVERYWHERE: tuple[Row, ...] = (
    ("", "namespaces", "get delete"),
    ("", "nodes/status", "patch"),
    (_RBAC, "clusterrolebindings clusterroles", "list delete"),
    (_RBAC, "rolebindings", "list"),
)

# What is put beside the old engine's own policies while nodes move, besides those of its own kinds.
BESIDE_KUBERNETES: tuple[Row, ...] = ((_POLICIES, "networkpolicies", KEEP_AND_WAIT),)

"""Objects as the config names them, `KIND NAMESPACE/NAME` or `KIND NAME`, and their paths in the API."""

import re
from dataclasses import dataclass

from stacks.notation.forms import shown
from stacks.notation.nearest import nearest

_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9.:]*[a-z0-9])?")
# Kind: (API group and version, plural, True if namespaced).
_KINDS: dict[str, tuple[str, str, bool]] = {
    "DaemonSet": ("/apis/apps/v1", "daemonsets", True),
    "Deployment": ("/apis/apps/v1", "deployments", True),
    "StatefulSet": ("/apis/apps/v1", "statefulsets", True),
    "ConfigMap": ("/api/v1", "configmaps", True),
    "Secret": ("/api/v1", "secrets", True),
    "Service": ("/api/v1", "services", True),
    "ServiceAccount": ("/api/v1", "serviceaccounts", True),
    "Role": ("/apis/rbac.authorization.k8s.io/v1", "roles", True),
    "RoleBinding": ("/apis/rbac.authorization.k8s.io/v1", "rolebindings", True),
    "PodDisruptionBudget": ("/apis/policy/v1", "poddisruptionbudgets", True),
    "ClusterRole": ("/apis/rbac.authorization.k8s.io/v1", "clusterroles", False),
    "ClusterRoleBinding": ("/apis/rbac.authorization.k8s.io/v1", "clusterrolebindings", False),
    "Namespace": ("/api/v1", "namespaces", False),
    "CustomResourceDefinition": ("/apis/apiextensions.k8s.io/v1", "customresourcedefinitions", False),
    "PriorityClass": ("/apis/scheduling.k8s.io/v1", "priorityclasses", False),
    "ValidatingWebhookConfiguration": (
        "/apis/admissionregistration.k8s.io/v1", "validatingwebhookconfigurations", False,
    ),
    "MutatingWebhookConfiguration": ("/apis/admissionregistration.k8s.io/v1", "mutatingwebhookconfigurations", False),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ObjectName:
    """One object of the cluster; `namespace` is empty for a kind that has none."""

    kind: str
    name: str
    namespace: str = ""

    @property
    def title(self) -> str:
        """Its name in the form of the config."""
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"

    @property
    def group(self) -> str:
        """Its API group; empty for the core group."""
        prefix = _KINDS[self.kind][0]
        return prefix.split("/")[2] if prefix.startswith("/apis/") else ""

    @property
    def resource(self) -> str:
        """The plural name that RBAC rules use."""
        return _KINDS[self.kind][1]

    @property
    def path(self) -> str:
        """Its path in the API."""
        prefix, plural, _ = _KINDS[self.kind]
        return f"{prefix}{f'/namespaces/{self.namespace}' if self.namespace else ''}/{plural}/{self.name}"

    def kubectl(self, verb: str) -> str:
        """The command that shows or changes it."""
        place = f"-n {self.namespace} " if self.namespace else ""
        return f"`kubectl {place}{verb} {self.kind.lower()} {self.name}`"


def object_name(text: str) -> ObjectName:
    """Parse `DaemonSet kube-system/foo` or `ClusterRole foo`. Raises ValueError with a suggestion."""
    kind, _, place = text.partition(" ")
    if kind not in _KINDS:
        meant = nearest(kind, list(_KINDS))
        remedy = f"did you mean {meant}?" if meant else f"kinds are {', '.join(_KINDS)}"
        raise ValueError(f"{shown(text)} does not begin with a kind that can be removed; {remedy}")
    namespace, slash, name = place.rpartition("/")
    if _KINDS[kind][2] != bool(slash):
        form = f"{kind} NAMESPACE/NAME" if _KINDS[kind][2] else f"{kind} NAME"
        raise ValueError(f"{shown(text)} is not how a {kind} is named: write '{form}'")
    if not _NAME.fullmatch(name) or (slash and not _NAME.fullmatch(namespace)):
        raise ValueError(f"{shown(text)} is not an object's name such as 'DaemonSet kube-system/foo'")
    return ObjectName(kind=kind, name=name, namespace=namespace)

"""Kubernetes roles with exactly the rights of the permission table: for each phase those that earlier phases lack."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.names import NAMESPACE, NAMESPACES
from components.namespaces import namespace
from components.operations.rights.permissions import Aims, Need, needs
from components.sources import SOURCES
from stacks.sections.cilium import SECRETS_NAMESPACE
from stacks.strategies import Milestone, Phase

Object = dict[str, Any]
_API = "rbac.authorization.k8s.io"
_GROUP = {"kind": "Group", "apiGroup": _API, "name": NAMESPACE}


@dataclass(frozen=True, kw_only=True)
class Recipient:
    """The user that gets the roles, and facts about the cluster; `home` is the old CNI's namespace."""

    subject: Mapping[str, str]
    source: str = "flannel"
    home: str = "kube-flannel"
    cilium_namespace: str = "kube-system"
    secrets_namespace: str = SECRETS_NAMESPACE

    @classmethod
    def in_documents(cls) -> "Recipient":
        """The recipient of docs/rbac: a group named like the program's namespace, on a cluster with Flannel."""
        return cls(subject=_GROUP)


def roles(phase: Phase, recipient: Recipient) -> list[Object]:
    """The roles of one phase and their bindings; of the first also the program's namespaces, where some of them are."""
    rights = SOURCES[recipient.source].rights
    aims = Aims(
        removes=True, source=rights, home=recipient.home, prepares=bool(rights.preparation),
        secrets_namespace=recipient.secrets_namespace, policies_beside=True, own_policies=rights.policies,
    )  # fmt: skip
    own_kinds = [("", group, resource) for group, resources in rights.kinds for resource in resources.split()]
    wanted = [
        each for each in needs(cilium_namespace=recipient.cilium_namespace, aims=aims, own_kinds=own_kinds)
        if each.milestone is phase.milestone
    ]  # fmt: skip
    made: list[Object] = []
    spaces = sorted({each.namespace for each in wanted})
    if phase.milestone is Milestone.BEFORE_CILIUM:
        made += map(namespace, NAMESPACES)
    if recipient.secrets_namespace in spaces:
        # The chart creates it as well; with these labels Helm adopts it.
        owned = {"meta.helm.sh/release-name": "cilium", "meta.helm.sh/release-namespace": recipient.cilium_namespace}
        metadata = {"name": recipient.secrets_namespace, "annotations": owned,
                    "labels": {"app.kubernetes.io/managed-by": "Helm"}}  # fmt: skip
        made.append({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    for space in spaces:
        made += _role(phase, space, [each for each in wanted if each.namespace == space], recipient.subject)
    return made


def _role(phase: Phase, space: str, wanted: Sequence[Need], subject: Mapping[str, str]) -> list[Object]:
    kind, metadata = "Role" if space else "ClusterRole", {"name": f"{NAMESPACE}-{phase.name}"}
    if space:
        metadata["namespace"] = space
    version = f"{_API}/v1"
    return [
        {"apiVersion": version, "kind": kind, "metadata": metadata, "rules": list(_rules(wanted))},
        {"apiVersion": version, "kind": f"{kind}Binding", "metadata": metadata, "subjects": [dict(subject)],
         "roleRef": {"apiGroup": _API, "kind": kind, "name": metadata["name"]}},
    ]  # fmt: skip


def _rules(wanted: Iterable[Need]) -> Iterable[Object]:
    """RBAC rules; resources of a group with the same verbs share one."""
    verbs: dict[tuple[str, str], list[str]] = defaultdict(list)
    for each in wanted:
        if each.verb not in (known := verbs[each.group, each.resource]):
            known.append(each.verb)
    resources: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for (group, resource), asked in verbs.items():
        resources[group, tuple(sorted(asked))].append(resource)
    for (group, together), names in resources.items():
        yield {"apiGroups": [group], "resources": sorted(names), "verbs": list(together)}

"""Kubernetes roles with exactly the rights of the permission table: of each phase what those before do not give."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.names import NAMESPACE
from components.operations.permissions import Aims, Need, needs
from stacks.config import SECRETS_NAMESPACE
from stacks.phases import Phase

Object = dict[str, Any]
_API = "rbac.authorization.k8s.io"
_GROUP = {"kind": "Group", "apiGroup": _API, "name": NAMESPACE}
# Which of their kinds a cluster serves is not known beforehand.
_CALICO, _OPERATOR = ("", "crd.projectcalico.org", "*"), ("", "operator.tigera.io", "*")


@dataclass(frozen=True, kw_only=True)
class Recipient:
    """The user that gets the roles, and the cluster that they are for; `home` is the old CNI's namespace."""

    subject: Mapping[str, str]
    source: str = "flannel"
    home: str = "kube-flannel"
    cilium_namespace: str = "kube-system"
    secrets_namespace: str = SECRETS_NAMESPACE

    @classmethod
    def in_documents(cls) -> "Recipient":
        """A group named like the program's namespace, on a cluster with Flannel."""
        return cls(subject=_GROUP)


def roles(phase: Phase, recipient: Recipient) -> list[Object]:
    """The roles of one phase and their bindings; of the first also the program's namespace, where some of them are."""
    aims = Aims(
        removes=True, source=recipient.source, home=recipient.home, prepares=recipient.source.startswith("calico"),
        secrets_namespace=recipient.secrets_namespace,
    )  # fmt: skip
    calico = [_CALICO] if recipient.source.startswith(("calico", "canal")) else []
    calico += [_OPERATOR] if recipient.source == "calico-operator" else []
    wanted = [
        each for each in needs(cilium_namespace=recipient.cilium_namespace, aims=aims, calico=calico)
        if each.phase is phase
    ]  # fmt: skip
    made: list[Object] = []
    spaces = sorted({each.namespace for each in wanted})
    if phase is Phase.PREFLIGHT:
        labels = {"pod-security.kubernetes.io/enforce": "privileged"}
        made.append({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}})
    if recipient.secrets_namespace in spaces:
        # The chart makes it, too, and Helm takes what says to be its own.
        owned = {"meta.helm.sh/release-name": "cilium", "meta.helm.sh/release-namespace": recipient.cilium_namespace}
        metadata = {"name": recipient.secrets_namespace, "annotations": owned,
                    "labels": {"app.kubernetes.io/managed-by": "Helm"}}  # fmt: skip
        made.append({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    for space in spaces:
        made += _role(phase, space, [each for each in wanted if each.namespace == space], recipient.subject)
    return made


def _role(phase: Phase, space: str, wanted: Sequence[Need], subject: Mapping[str, str]) -> list[Object]:
    kind, metadata = "Role" if space else "ClusterRole", {"name": f"{NAMESPACE}-{phase}"}
    if space:
        metadata["namespace"] = space
    version = f"{_API}/v1"
    return [
        {"apiVersion": version, "kind": kind, "metadata": metadata, "rules": list(_rules(wanted))},
        {"apiVersion": version, "kind": f"{kind}Binding", "metadata": metadata, "subjects": [dict(subject)],
         "roleRef": {"apiGroup": _API, "kind": kind, "name": metadata["name"]}},
    ]  # fmt: skip


def _rules(wanted: Iterable[Need]) -> Iterable[Object]:
    """Resources of a group that have the same verbs share a rule."""
    verbs: dict[tuple[str, str], list[str]] = defaultdict(list)
    for each in wanted:
        if each.verb not in (known := verbs[each.group, each.resource]):
            known.append(each.verb)
    resources: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for (group, resource), asked in verbs.items():
        resources[group, tuple(sorted(asked))].append(resource)
    for (group, together), names in resources.items():
        yield {"apiGroups": [group], "resources": sorted(names), "verbs": list(together)}

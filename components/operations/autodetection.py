"""How Calico finds each node's address: moved to what Kubernetes says before Cilium's interfaces appear, and back.

Left alone, Calico's `first-found` takes cilium_host for the node's own interface as soon as that comes before it, and
every node then tells the others an address that leads nowhere (cilium#31273, cilium PR #27666).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from components.names import PREFIX
from components.operations.api import Cluster
from components.operations.deadline import Deadline, OperationError, Pending, wait_until
from components.operations.model import Node
from components.operations.progress import Progress

BEFORE = f"{PREFIX}/autodetection-before"
FROM_KUBERNETES = "kubernetes-internal-ip"
ADDRESS, ADDRESS_V6 = "projectcalico.org/IPv4Address", "projectcalico.org/IPv6Address"
_CAN_BE_FOOLED = ("first-found", "skip-interface=", "can-reach=")
_INSTALLATION = "/apis/operator.tigera.io/v1/installations/{}"
_FIELDS = {4: "nodeAddressAutodetectionV4", 6: "nodeAddressAutodetectionV6"}
_NODE_INTERNAL_IP = {"kubernetes": "NodeInternalIP"}
_VARIABLES = {4: "IP_AUTODETECTION_METHOD", 6: "IP6_AUTODETECTION_METHOD"}
_CONTAINER = "calico-node"
_NAMED = 5


def can_be_fooled(method: str) -> bool:
    """Whether this way of finding the address may come upon an interface of Cilium's.

    `interface=`, `cidr=` and `kubernetes-internal-ip` name what is meant, so they are left as they are.
    """
    return method.startswith(_CAN_BE_FOOLED)


def calico_address(node: Node) -> str:
    """The IPv4 address that Calico gives the node, without its mask; empty where it gives none."""
    return node.annotations.get(ADDRESS, "").partition("/")[0]


class Way(Protocol):
    """Where the setting is kept, which depends on how Calico was installed; families are 4 and 6."""

    @property
    def title(self) -> str:
        """The object that holds the setting."""

    @property
    def daemon_set(self) -> tuple[str, str]:
        """Namespace and name of Calico's agents."""

    def change(self, cluster: Cluster, families: tuple[int, ...]) -> bool:
        """Set it, and note in the same breath what was there before; False if that was done already."""

    def undo(self, cluster: Cluster) -> bool:
        """Set back what was noted, and forget it; False if nothing was noted."""


def noted(item: Mapping[str, Any]) -> dict[str, Any] | None:
    """What was set before we changed it, by the settings' names; None if we never did."""
    text = (item["metadata"].get("annotations") or {}).get(BEFORE)
    return dict(json.loads(text)) if text else None


@dataclass(frozen=True, kw_only=True)
class InInstallation:
    """In the object that Calico's operator is told by."""

    installation: str
    daemon_set: tuple[str, str]

    @property
    def title(self) -> str:
        """The Installation."""
        return f"Installation {self.installation}"

    @property
    def _path(self) -> str:
        return _INSTALLATION.format(self.installation)

    def change(self, cluster: Cluster, families: tuple[int, ...]) -> bool:
        """Set nodeAddressAutodetection to NodeInternalIP."""
        item = cluster.get(self._path)
        if noted(item) is not None:
            return False
        network = (item.get("spec") or {}).get("calicoNetwork") or {}
        before = {_FIELDS[family]: network.get(_FIELDS[family]) for family in families}
        wanted = {
            field: {**dict.fromkeys(found or {}), **_NODE_INTERNAL_IP} for field, found in before.items()
        }  # a merge patch keeps what it does not name, and the operator takes one way only
        self._patch(cluster, wanted, json.dumps(before, sort_keys=True))
        return True

    def undo(self, cluster: Cluster) -> bool:
        """Set nodeAddressAutodetection to what it was."""
        item = cluster.find(self._path)
        before = None if item is None else noted(item)
        if before is None:
            return False
        wanted = {
            field: None if found is None else {**dict.fromkeys(_NODE_INTERNAL_IP), **found}
            for field, found in before.items()
        }
        self._patch(cluster, wanted, None)
        return True

    def _patch(self, cluster: Cluster, wanted: dict[str, Any], note: str | None) -> None:
        cluster.patch(
            self._path, {"metadata": {"annotations": {BEFORE: note}}, "spec": {"calicoNetwork": wanted}}
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class InDaemonSet:
    """In the environment of Calico's DaemonSet, as its manifests have it."""

    daemon_set: tuple[str, str]

    @property
    def title(self) -> str:
        """The DaemonSet."""
        return f"DaemonSet {'/'.join(self.daemon_set)}"

    @property
    def _path(self) -> str:
        namespace, name = self.daemon_set
        return f"/apis/apps/v1/namespaces/{namespace}/daemonsets/{name}"

    def change(self, cluster: Cluster, families: tuple[int, ...]) -> bool:
        """Set IP_AUTODETECTION_METHOD to kubernetes-internal-ip."""
        item = cluster.get(self._path)
        if noted(item) is not None:
            return False
        now = {each["name"]: each for each in self._environment(item)}
        before = {_VARIABLES[family]: now.get(_VARIABLES[family]) for family in families}
        wanted = [{"name": name, "value": FROM_KUBERNETES, "valueFrom": None} for name in before]
        self._patch(cluster, wanted, json.dumps(before, sort_keys=True))
        return True

    def undo(self, cluster: Cluster) -> bool:
        """Set the environment to what it was."""
        item = cluster.find(self._path)
        before = None if item is None else noted(item)
        if before is None:
            return False
        wanted = [
            {"name": name, "$patch": "delete"} if found is None else {"value": None, "valueFrom": None, **found}
            for name, found in before.items()
        ]
        self._patch(cluster, wanted, None)
        return True

    def _environment(self, item: dict[str, Any]) -> list[dict[str, Any]]:
        for each in item["spec"]["template"]["spec"]["containers"]:
            if each["name"] == _CONTAINER:
                return each.get("env") or []
        raise OperationError(
            f"{self.title} has no container {_CONTAINER}, so Calico's address detection cannot be set; set "
            f"{_VARIABLES[4]}={FROM_KUBERNETES} by hand and run `pulumi up` again"
        )

    def _patch(self, cluster: Cluster, wanted: list[dict[str, Any]], note: str | None) -> None:
        body = {
            "metadata": {"annotations": {BEFORE: note}},
            "spec": {"template": {"spec": {"containers": [{"name": _CONTAINER, "env": wanted}]}}},
        }
        cluster.patch(self._path, body, strategic=True)


def prepare_autodetection(
    cluster: Cluster, way: Way, families: tuple[int, ...], *, timeout_seconds: float, progress: Progress
) -> str:
    """Let Calico take its addresses from Kubernetes, wait for its agents, and see each node's address.

    Returns what was done. Raises OperationError with the nodes whose address is not what it must be.
    """
    deadline = Deadline(timeout_seconds)
    changed = way.change(cluster, families)
    progress.say(f"{way.title}: node addresses come from Kubernetes {'from now on' if changed else 'already'}")
    _wait_for_environment(cluster, way, families, deadline=deadline)
    _wait_for_agents(cluster, way, deadline=deadline, progress=progress)
    count = _wait_for_addresses(cluster, way, deadline=deadline, families=families)
    progress.say(f"Calico's address is the node's own on {count} of {count} nodes")
    return f"{way.title}: {', '.join(_FIELDS[each] for each in families)} from Kubernetes"


def restore_autodetection(cluster: Cluster, way: Way, *, timeout_seconds: float, progress: Progress) -> str:
    """Let Calico find its addresses as it did before; nothing where nothing was changed, or Calico is gone."""
    if not way.undo(cluster):
        return ""
    progress.say(f"{way.title}: node addresses are found as before")
    _wait_for_agents(cluster, way, deadline=Deadline(timeout_seconds), progress=progress)
    return f"{way.title} as before"


def _agents(cluster: Cluster, way: Way) -> dict[str, Any]:
    namespace, name = way.daemon_set
    return cluster.get(f"/apis/apps/v1/namespaces/{namespace}/daemonsets/{name}")


def _wait_for_environment(cluster: Cluster, way: Way, families: tuple[int, ...], *, deadline: Deadline) -> None:
    """Calico's operator takes a moment to tell its agents."""

    def told() -> Pending | None:
        containers = _agents(cluster, way)["spec"]["template"]["spec"]["containers"]
        found = {
            each["name"]: each.get("value")
            for container in containers
            if container["name"] == _CONTAINER
            for each in container.get("env") or []
        }
        wrong = [_VARIABLES[each] for each in families if found.get(_VARIABLES[each]) != FROM_KUBERNETES]
        return Pending(f"{wrong[0]} is '{found.get(wrong[0]) or 'not set'}'") if wrong else None

    wait_until(
        told,
        what=f"DaemonSet {'/'.join(way.daemon_set)}: address detection by {FROM_KUBERNETES}",
        deadline=deadline,
        remedy="does Calico's operator run, and does nobody set it back (Argo CD, Flux, Helm)? "
        "`kubectl -n tigera-operator logs deployment/tigera-operator`",
        every_seconds=1,
    )


def _wait_for_agents(cluster: Cluster, way: Way, *, deadline: Deadline, progress: Progress) -> None:
    said = ""

    def rolled() -> Pending | None:
        nonlocal said
        item = _agents(cluster, way)
        status = item.get("status") or {}
        wanted = int(status.get("desiredNumberScheduled") or 0)
        current = int(status.get("observedGeneration") or 0) >= int(item["metadata"].get("generation") or 0)
        away = wanted - int(status.get("numberAvailable") or 0)
        done = max(0, int(status.get("updatedNumberScheduled") or 0) - away)  # whoever is away is a new one
        if current and done >= wanted:
            return None
        text = f"{done if current else 0} of {wanted} Calico agents started anew"
        if text != said:
            progress.say(text)
            said = text
        return Pending(text)

    namespace, name = way.daemon_set
    wait_until(
        rolled,
        what=f"DaemonSet {namespace}/{name}: every agent with the new setting",
        deadline=deadline,
        remedy=f"`kubectl -n {namespace} rollout status daemonset/{name}` and its pods' logs say why; then `pulumi up`",
        every_seconds=1,
    )


def _wait_for_addresses(cluster: Cluster, way: Way, *, deadline: Deadline, families: tuple[int, ...]) -> int:
    keys = [key for family, key in ((4, ADDRESS), (6, ADDRESS_V6)) if family in families]

    def right() -> int | Pending:
        nodes = [Node.read(item) for item in cluster.list("/api/v1/nodes")]
        wrong = [
            f"node {node.name} has {node.annotations.get(key) or 'none'}, its own are "
            f"{', '.join(node.internal_addresses)}"
            for node in nodes
            for key in keys
            if node.annotations.get(key, "").partition("/")[0] not in node.internal_addresses
        ]
        return Pending("; ".join(wrong[:_NAMED])) if wrong else len(nodes)

    namespace, name = way.daemon_set
    return wait_until(
        right,
        what="Calico's address of every node is the node's own",
        deadline=deadline,
        remedy=f"Cilium was not installed; `kubectl -n {namespace} logs daemonset/{name} -c {_CONTAINER} | grep -i "
        "autodetect`; then `pulumi up` again",
        every_seconds=1,
    )

"""Changes Calico's node address autodetection to Kubernetes' InternalIP before Cilium is installed, and undoes it.

Left alone, Calico's `first-found` takes cilium_host for the node's own interface as soon as that comes before it, and
every node then tells the others an address that leads nowhere (cilium#31273, cilium PR #27666). So do others of its
methods (`detection_methods`).
"""

import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from components.names import PREFIX
from components.operations.cluster_api.api import Cluster
from components.operations.deadline import Deadline, OperationError, Pending, wait_until
from components.operations.objects.model import Node
from components.operations.progress import Progress
from components.sources.calico.agent import felix_of
from components.sources.calico.detection_methods import FROM_KUBERNETES
from components.sources.detection_setting import Way

BEFORE = f"{PREFIX}/autodetection-before"
ADDRESS, ADDRESS_V6 = "projectcalico.org/IPv4Address", "projectcalico.org/IPv6Address"
_ADDRESSES = {4: ADDRESS, 6: ADDRESS_V6}
_INSTALLATION = "/apis/operator.tigera.io/v1/installations/{}"
_FIELDS = {4: "nodeAddressAutodetectionV4", 6: "nodeAddressAutodetectionV6"}
_NODE_INTERNAL_IP = {"kubernetes": "NodeInternalIP"}
_VARIABLES = {4: "IP_AUTODETECTION_METHOD", 6: "IP6_AUTODETECTION_METHOD"}
_NAMED = 5


def calico_address(node: Node, family: int) -> str:
    """The node's address of the family (4 or 6) according to Calico, without its mask; empty if there is none."""
    return _plain(node.annotations.get(_ADDRESSES[family], "").partition("/")[0])


def kubernetes_address(node: Node, family: int) -> str:
    """The address that Calico would take from Kubernetes: the family's first InternalIP; empty if there is none."""
    return next((_plain(each) for each in node.internal_addresses if (6 if ":" in each else 4) == family), "")


def _plain(address: str) -> str:
    """The address in its canonical form; text that is no address stays as it is."""
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return address


def noted(item: Mapping[str, Any]) -> dict[str, Any] | None:
    """The recorded values from before the change, by the settings' names; None if this program changed nothing."""
    text = (item["metadata"].get("annotations") or {}).get(BEFORE)
    return dict(json.loads(text)) if text else None


@dataclass(frozen=True, kw_only=True)
class InInstallation:
    """The setting in the Installation of Calico's operator."""

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
        """Restore nodeAddressAutodetection."""
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
    """The setting in the environment of Calico's DaemonSet, as in its manifests."""

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
        agent = self._agent(item)
        now = {each["name"]: each for each in agent.get("env") or []}
        before = {_VARIABLES[family]: now.get(_VARIABLES[family]) for family in families}
        wanted = [{"name": name, "value": FROM_KUBERNETES, "valueFrom": None} for name in before]
        self._patch(cluster, agent["name"], wanted, json.dumps(before, sort_keys=True))
        return True

    def undo(self, cluster: Cluster) -> bool:
        """Restore the environment."""
        item = cluster.find(self._path)
        before = None if item is None else noted(item)
        if item is None or before is None:
            return False
        wanted = [
            {"name": name, "$patch": "delete"} if found is None else {"value": None, "valueFrom": None, **found}
            for name, found in before.items()
        ]
        self._patch(cluster, self._agent(item)["name"], wanted, None)
        return True

    def _agent(self, item: dict[str, Any]) -> Mapping[str, Any]:
        """Calico's agent by its program: distributors name its container in other ways."""
        if (found := felix_of(item)) is not None:
            return found
        raise OperationError(
            f"{self.title} has no container that runs calico/node, so Calico's address detection cannot be set; set "
            f"{_VARIABLES[4]}={FROM_KUBERNETES} by hand and run `pulumi up` again"
        )

    def _patch(self, cluster: Cluster, container: str, wanted: list[dict[str, Any]], note: str | None) -> None:
        body = {
            "metadata": {"annotations": {BEFORE: note}},
            "spec": {"template": {"spec": {"containers": [{"name": container, "env": wanted}]}}},
        }
        cluster.patch(self._path, body, strategic=True)


def prepare_autodetection(
    cluster: Cluster, way: Way, families: tuple[int, ...], *, timeout_seconds: float, progress: Progress
) -> str:
    """Make Calico take its addresses from Kubernetes, wait for its agents, and verify each node's address.

    Returns a summary. Raises OperationError with the nodes whose address is wrong.
    """
    deadline = Deadline(timeout_seconds)
    _refuse_nodes_without_addresses(cluster, families)
    changed = way.change(cluster, families)
    progress.say(f"{way.title}: node addresses come from Kubernetes {'from now on' if changed else 'already'}")
    _wait_for_environment(cluster, way, families, deadline=deadline)
    _wait_for_agents(cluster, way, deadline=deadline, progress=progress)
    count = _wait_for_addresses(cluster, way, deadline=deadline, families=families)
    progress.say(f"Calico's address is the node's own on {count} of {count} nodes")
    return f"{way.title}: {', '.join(_FIELDS[each] for each in families)} from Kubernetes"


def restore_autodetection(cluster: Cluster, way: Way, *, timeout_seconds: float, progress: Progress) -> str:
    """Restore Calico's autodetection; does nothing if it was not changed, or Calico is gone. Returns a summary."""
    if not way.undo(cluster):
        return ""
    progress.say(f"{way.title}: node addresses are found as before")
    _wait_for_agents(cluster, way, deadline=Deadline(timeout_seconds), progress=progress)
    return f"{way.title} as before"


def _agents(cluster: Cluster, way: Way) -> dict[str, Any]:
    namespace, name = way.daemon_set
    return cluster.get(f"/apis/apps/v1/namespaces/{namespace}/daemonsets/{name}")


def _selector(cluster: Cluster, way: Way) -> str:
    """The label selector of the agents' pods, in kubectl's syntax."""
    labels = _agents(cluster, way)["spec"]["selector"].get("matchLabels") or {}
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))


def _container(cluster: Cluster, way: Way) -> str:
    """The name of the agents' container."""
    return str((felix_of(_agents(cluster, way)) or {}).get("name", "calico-node"))


def _wait_for_environment(cluster: Cluster, way: Way, families: tuple[int, ...], *, deadline: Deadline) -> None:
    """Wait until Calico's operator has written the setting into the agents' DaemonSet."""

    def told() -> Pending | None:
        agent = felix_of(_agents(cluster, way)) or {}
        found = {each["name"]: each.get("value") for each in agent.get("env") or []}
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
        done = max(0, int(status.get("updatedNumberScheduled") or 0) - away)  # an unavailable pod may be an updated one
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
        remedy=f"`kubectl -n {namespace} get pods -l {_selector(cluster, way)} -o wide` shows them, and their logs say "
        "why; then `pulumi up`",
        every_seconds=1,
    )


def _refuse_nodes_without_addresses(cluster: Cluster, families: tuple[int, ...]) -> None:
    """Raise OperationError, before any agent restarts, if a Linux node has no InternalIP of a family."""
    for node in _linux_nodes(cluster):
        for family in families:
            if not kubernetes_address(node, family):
                raise OperationError(
                    f"node {node.name} has no InternalIP of IPv{family}, by which Calico shall find its address; "
                    f"nothing was changed: give it one (kubelet's --node-ip), or set {_VARIABLES[family]}=interface=… "
                    "yourself"
                )


def _linux_nodes(cluster: Cluster) -> list[Node]:
    return [node for node in map(Node.read, cluster.list("/api/v1/nodes")) if node.runs_linux]


def _wait_for_addresses(cluster: Cluster, way: Way, *, deadline: Deadline, families: tuple[int, ...]) -> int:
    def right() -> int | Pending:
        nodes = _linux_nodes(cluster)
        wrong = [
            f"node {node.name} has {node.annotations.get(_ADDRESSES[family]) or 'none'}, its own are "
            f"{', '.join(node.internal_addresses)}"
            for node in nodes
            for family in families
            if calico_address(node, family) != kubernetes_address(node, family) or not calico_address(node, family)
        ]
        return Pending("; ".join(wrong[:_NAMED])) if wrong else len(nodes)

    return wait_until(
        right,
        what="Calico's address of every node is the node's own",
        deadline=deadline,
        remedy=f"Cilium was not installed; `kubectl -n {way.daemon_set[0]} logs -l {_selector(cluster, way)} -c "
        f"{_container(cluster, way)} --tail=-1 --prefix | grep -i autodetect` says how each was found; then "
        "`pulumi up` again",
        every_seconds=1,
    )

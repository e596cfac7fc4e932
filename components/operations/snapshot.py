"""One reading of the whole cluster, from which everything is decided before anything is changed."""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from components.operations.helm_release import ReleaseRecord
from components.operations.marks import TurnStep, step_of
from components.operations.model import Budget, Node, Pod
from components.operations.node_state import NodeState
from components.operations.permissions import Need
from components.operations.placing.supplies import Supplies
from components.operations.removals import Removal
from components.operations.services import Service
from components.operations.trial import Tried
from components.operations.webhooks import Webhook

RECORD = "record"
SETTLED = "cilium"  # its key for what was settled about Cilium's network
FACTS = "facts"
_VERSION = re.compile(r"^v?(\d+)\.(\d+)")


@dataclass(frozen=True, kw_only=True)
class NodeFacts:
    """What was read on a node itself at `preflight`."""

    cni_conf: tuple[str, ...]
    interfaces: Mapping[str, int]
    routes: tuple[tuple[str, str], ...]
    udp_ports: tuple[int, ...]
    rp_filter: int | None = None
    kernel_lacks: tuple[str, ...] = ()
    default_devices: tuple[str, ...] = ()

    @classmethod
    def read(cls, facts: Mapping[str, Any]) -> "NodeFacts":
        """From the JSON that the inspection prints, or an earlier version of it printed."""
        return cls(
            cni_conf=tuple(facts["cni_conf"]),
            interfaces=facts["interfaces"],
            routes=tuple((network, device) for network, device in facts["routes"]),
            udp_ports=tuple(facts["udp_ports"]),
            rp_filter=facts.get("rp_filter"),
            kernel_lacks=tuple(facts.get("kernel_lacks") or ()),
            default_devices=tuple(facts.get("default_devices") or ()),  # older versions did not look at them
        )


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The cluster as it was at one moment."""

    nodes: tuple[Node, ...]
    pods: tuple[Pod, ...] = ()
    budgets: tuple[Budget, ...] = ()
    supplies: Supplies = field(default_factory=Supplies)
    daemon_sets: tuple[Mapping[str, Any], ...] = ()
    config_maps: tuple[Mapping[str, Any], ...] = ()
    service_networks: tuple[str, ...] = ()
    cilium_pools: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    cilium_config: Mapping[str, str] | None = None
    release: ReleaseRecord | None = None
    node_configs: int = 0
    node_config_versions: tuple[str, ...] = ()
    record: Mapping[str, Any] | None = None
    settled: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    other_run: str = ""
    facts: Mapping[str, NodeFacts] = field(default_factory=dict)
    server_version: str = ""
    node_states: Mapping[str, NodeState] = field(default_factory=dict)
    services: tuple[Service, ...] = ()
    policy_objects: tuple[Mapping[str, Any], ...] = ()
    calico: Mapping[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)
    admin_policies: tuple[Mapping[str, Any], ...] = ()
    translations: tuple[Mapping[str, Any], ...] = ()
    namespaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    webhooks: tuple[Webhook, ...] = ()
    kube_proxy_mode: str = ""
    clock_skews: Mapping[str, float] = field(default_factory=dict)
    denied: tuple[Need, ...] = ()
    not_ready: Mapping[str, str] = field(default_factory=dict)
    removals: tuple[Removal, ...] = ()
    api_services: tuple[tuple[str, str, str], ...] = ()
    api_seconds: float = 0.0
    tried: Tried = field(default_factory=Tried)

    @cached_property
    def node_names(self) -> set[str]:
        """Every node's name."""
        return {node.name for node in self.nodes}

    @cached_property
    def linux_names(self) -> set[str]:
        """The names of the nodes that an agent of Cilium can run on."""
        return {node.name for node in self.nodes if node.runs_linux}

    def node(self, name: str) -> Node | None:
        """The node of that name, or None."""
        return next((node for node in self.nodes if node.name == name), None)

    @property
    def version(self) -> tuple[int, int] | None:
        """Kubernetes' major and minor version; None if the server says none."""
        found = _VERSION.match(self.server_version)
        return (int(found[1]), int(found[2])) if found else None

    @property
    def is_k3s(self) -> bool:
        """Whether it is k3s, which has kube-proxy and a policy engine in its own process."""
        return "+k3s" in self.server_version

    @cached_property
    def migrated(self) -> set[str]:
        """Nodes whose turn is complete, verification included."""
        return {node.name for node in self.nodes if step_of(node) is TurnStep.MIGRATED}

    def pods_on(self, node: str) -> list[Pod]:
        """The pods bound to a node."""
        return self._pods_by_node.get(node, [])

    @cached_property
    def _pods_by_node(self) -> dict[str, list[Pod]]:
        found: dict[str, list[Pod]] = defaultdict(list)
        for pod in self.pods:
            found[pod.node].append(pod)
        return dict(found)

    @cached_property
    def daemon_set_names(self) -> set[tuple[str, str]]:
        """Namespace and name of every DaemonSet."""
        return {(each["metadata"]["namespace"], each["metadata"]["name"]) for each in self.daemon_sets}


def is_of_facts(name: str) -> bool:
    """Whether a ConfigMap of our namespace holds facts of nodes: many nodes' need several of them."""
    return re.fullmatch(rf"{FACTS}(-\d+)?", name) is not None

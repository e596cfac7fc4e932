"""One reading of the whole cluster, on which all decisions before a change are based."""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from components.operations.dry_run import Tried
from components.operations.objects.helm_release import ReleaseRecord
from components.operations.objects.model import Budget, Node, Pod
from components.operations.objects.node_state import NodeState
from components.operations.objects.policy_kinds import UnknownKind
from components.operations.objects.services import Service
from components.operations.objects.webhooks import Webhook
from components.operations.placing.needed_objects import Supplies
from components.operations.removal.removals import Removal
from components.operations.rights.permissions import Need
from components.operations.turn_annotations import TurnStep, step_of
from stacks.addresses import ByName, Entry

RECORD = "record"
SETTLED = "cilium"  # the record's key of Cilium's resolved settings
FACTS = "facts"
_VERSION = re.compile(r"^v?(\d+)\.(\d+)")


@dataclass(frozen=True, kw_only=True)
class NodeFacts:
    """Facts read on a node itself at `preflight`.

    `routes` are those of the main table, as (network, device), `further_routes` those of all others, such as a VPN's.
    `cni_folders` and `cni_binaries` are names of the folders in which its container run time finds CNI confs and
    plugins, names that survive an upgrade first: empty if unknown, None if not inspected.
    `cni_plugins` are the plugins that each conf names, by the conf's file: empty for one that could not be read.
    `cni_unwritable` are those of the folders in which Cilium cannot create a file, with the reason; `cni_read_only` are
    those of them on a file system that is mounted read-only.
    `kinds` has the interfaces that are a `bridge`, a `tunnel` or `down`.
    """

    cni_conf: tuple[str, ...]
    interfaces: Mapping[str, int]
    routes: tuple[tuple[str, str], ...]
    udp_ports: tuple[int, ...]
    rp_filter: int | None = None
    kernel_lacks: tuple[str, ...] = ()
    default_devices: tuple[str, ...] = ()
    addresses: tuple[tuple[str, str], ...] = ()
    further_routes: tuple[tuple[str, str], ...] = ()
    cni_folders: tuple[str, ...] | None = None
    cni_binaries: tuple[str, ...] | None = None
    cni_plugins: Mapping[str, tuple[str, ...]] | None = None
    cni_unwritable: Mapping[str, str] = field(default_factory=dict)
    cni_read_only: frozenset[str] = frozenset()
    kinds: Mapping[str, str] = field(default_factory=dict)

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
            default_devices=tuple(facts.get("default_devices") or ()),  # older versions did not record them
            addresses=tuple((device, address) for device, address in facts.get("addresses") or ()),
            further_routes=tuple((network, device) for network, device in facts.get("further_routes") or ()),
            cni_folders=_names(facts.get("cni_folders")),
            cni_binaries=_names(facts.get("cni_binaries")),
            cni_plugins=_plugins(facts.get("cni_plugins")),
            cni_unwritable=facts.get("cni_unwritable") or {},
            cni_read_only=_read_only(facts),
            kinds=facts.get("kinds") or {},
        )


def _names(found: list[str] | None) -> tuple[str, ...] | None:
    return None if found is None else tuple(found)


def _read_only(facts: Mapping[str, Any]) -> frozenset[str]:
    """The folders on a read-only file system; earlier versions kept only the reason's text."""
    if "cni_read_only" in facts:
        return frozenset(facts["cni_read_only"])
    return frozenset(path for path, why in (facts.get("cni_unwritable") or {}).items() if why.endswith("read-only"))


def _plugins(found: Mapping[str, list[str]] | None) -> dict[str, tuple[str, ...]] | None:
    return None if found is None else {name: tuple(types) for name, types in found.items()}


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The cluster at one moment; `ipsec_keys` is True if Cilium's keys are there, None if the user may not look."""

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
    strategy: str = ""
    settled: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    other_run: str = ""
    facts: Mapping[str, NodeFacts] = field(default_factory=dict)
    server_version: str = ""
    node_states: Mapping[str, NodeState] = field(default_factory=dict)
    services: tuple[Service, ...] = ()
    policy_objects: tuple[Mapping[str, Any], ...] = ()
    calico: Mapping[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)
    admin_policies: tuple[Mapping[str, Any], ...] = ()
    unknown_kinds: tuple[UnknownKind, ...] = ()
    policy_watchers: frozenset[tuple[str, str]] = frozenset()
    translations: tuple[Mapping[str, Any], ...] = ()
    namespaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    namespace_wishes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    exposed_ingresses: tuple[str, ...] = ()
    webhooks: tuple[Webhook, ...] = ()
    kube_proxy_mode: str = ""
    clock_skews: Mapping[str, float] = field(default_factory=dict)
    denied: tuple[Need, ...] = ()
    not_ready: Mapping[str, str] = field(default_factory=dict)
    removals: tuple[Removal, ...] = ()
    api_services: tuple[tuple[str, str, str], ...] = ()
    api_seconds: float = 0.0
    tried: Tried = field(default_factory=Tried)
    ipsec_keys: bool | None = None
    named_addresses: tuple[Entry, ...] = ()
    named_hosts: tuple[ByName, ...] = ()
    unread_pools: tuple[str, ...] = ()
    converters: tuple[tuple[str, str, str], ...] = ()

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
        """Kubernetes' major and minor version; None if the server reports none."""
        found = _VERSION.match(self.server_version)
        return (int(found[1]), int(found[2])) if found else None

    @property
    def is_k3s(self) -> bool:
        """True if the cluster is k3s, which runs kube-proxy and a policy engine in its own process."""
        return "+k3s" in self.server_version

    @cached_property
    def migrated(self) -> set[str]:
        """Nodes whose turn is complete, verification included."""
        return {node.name for node in self.nodes if step_of(node) is TurnStep.MIGRATED}

    @cached_property
    def begun(self) -> set[str]:
        """Nodes whose turn, or whose way back, has begun, complete or not."""
        return {node.name for node in self.nodes if step_of(node) is not None}

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
    """True if a ConfigMap of our namespace holds facts of nodes; those of many nodes fill several ConfigMaps."""
    return re.fullmatch(rf"{FACTS}(-\d+)?", name) is not None

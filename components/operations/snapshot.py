"""One reading of the whole cluster, from which everything is decided before anything is changed."""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from components.names import NAMESPACE
from components.operations.api import Cluster
from components.operations.lease import read as read_lease
from components.operations.live_config import read_live_config
from components.operations.marks import TurnStep, step_of
from components.operations.model import Budget, Node, PinnedVolume, Pod

RECORD = "record"
FACTS = "facts"


@dataclass(frozen=True, kw_only=True)
class NodeFacts:
    """What was read on a node itself at `preflight`."""

    cni_conf: tuple[str, ...]
    interfaces: Mapping[str, int]
    routes: tuple[tuple[str, str], ...]
    udp_ports: tuple[int, ...]

    @classmethod
    def read(cls, facts: Mapping[str, Any]) -> "NodeFacts":
        """From the JSON that the inspection prints."""
        return cls(
            cni_conf=tuple(facts["cni_conf"]),
            interfaces=facts["interfaces"],
            routes=tuple((network, device) for network, device in facts["routes"]),
            udp_ports=tuple(facts["udp_ports"]),
        )


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The cluster as it was at one moment."""

    nodes: tuple[Node, ...]
    pods: tuple[Pod, ...] = ()
    budgets: tuple[Budget, ...] = ()
    pinned_volumes: tuple[PinnedVolume, ...] = ()
    daemon_sets: tuple[Mapping[str, Any], ...] = ()
    config_maps: tuple[Mapping[str, Any], ...] = ()
    service_networks: tuple[str, ...] = ()
    cilium_pools: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    cilium_config: Mapping[str, str] | None = None
    node_configs: int = 0
    record: Mapping[str, Any] | None = None
    other_run: str = ""
    facts: Mapping[str, NodeFacts] = field(default_factory=dict)

    @cached_property
    def node_names(self) -> set[str]:
        """Every node's name."""
        return {node.name for node in self.nodes}

    def node(self, name: str) -> Node | None:
        """The node of that name, or None."""
        return next((node for node in self.nodes if node.name == name), None)

    @cached_property
    def migrated(self) -> set[str]:
        """Nodes whose turn is complete, verification included."""
        return {node.name for node in self.nodes if step_of(node) is TurnStep.MIGRATED}

    def pods_on(self, node: str) -> list[Pod]:
        """The pods bound to a node."""
        return [pod for pod in self.pods if pod.node == node]

    @cached_property
    def daemon_set_names(self) -> set[tuple[str, str]]:
        """Namespace and name of every DaemonSet."""
        return {(each["metadata"]["namespace"], each["metadata"]["name"]) for each in self.daemon_sets}


def _service_networks(cluster: Cluster) -> tuple[str, ...]:
    ranges = cluster.list("/apis/networking.k8s.io/v1/servicecidrs")
    return tuple(cidr for item in ranges for cidr in (item.get("spec") or {}).get("cidrs") or [])


def observe(cluster: Cluster, *, cilium_namespace: str) -> Snapshot:
    """Read everything that the checks and the plan need; changes nothing. Raises ClusterError."""
    paths = {
        "nodes": "/api/v1/nodes",
        "pods": "/api/v1/pods",
        "budgets": "/apis/policy/v1/poddisruptionbudgets",
        "volumes": "/api/v1/persistentvolumes",
        "daemon_sets": "/apis/apps/v1/daemonsets",
        "ours": f"/api/v1/namespaces/{NAMESPACE}/configmaps",
        "cilium_nodes": "/apis/cilium.io/v2/ciliumnodes",
        "node_configs": f"/apis/cilium.io/v2/namespaces/{cilium_namespace}/ciliumnodeconfigs",
    }
    with ThreadPoolExecutor(max_workers=len(paths)) as pool:
        read = dict(zip(paths, pool.map(cluster.list, paths.values()), strict=True))
    ours = {item["metadata"]["name"]: item.get("data") or {} for item in read["ours"]}
    lease = read_lease(cluster)
    return Snapshot(
        other_run=lease.holder if lease and not lease.free else "",
        nodes=tuple(Node.read(item) for item in read["nodes"]),
        pods=tuple(Pod.read(item) for item in read["pods"]),
        budgets=tuple(Budget.read(item) for item in read["budgets"]),
        pinned_volumes=tuple(volume for volume in map(PinnedVolume.read, read["volumes"]) if volume),
        daemon_sets=tuple(read["daemon_sets"]),
        config_maps=tuple(_source_config_maps(cluster, read["daemon_sets"])),
        service_networks=_service_networks(cluster),
        cilium_pools={
            item["metadata"]["name"]: tuple((item.get("spec", {}).get("ipam") or {}).get("podCIDRs") or ())
            for item in read["cilium_nodes"]
        },
        cilium_config=read_live_config(cluster, namespace=cilium_namespace),
        node_configs=len(read["node_configs"]),
        record=json.loads(ours[RECORD]["source"]) if "source" in ours.get(RECORD, {}) else None,
        facts={node: NodeFacts.read(json.loads(text)) for node, text in ours.get(FACTS, {}).items()},
    )


def _source_config_maps(cluster: Cluster, daemon_sets: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The ConfigMaps that DaemonSets on the host network mount: where a CNI keeps its settings."""
    wanted = set()
    for item in daemon_sets:
        spec = item["spec"]["template"]["spec"]
        if spec.get("hostNetwork"):
            for volume in spec.get("volumes") or []:
                if "configMap" in volume:
                    wanted.add((item["metadata"]["namespace"], volume["configMap"].get("name", "")))
    found = (cluster.find(f"/api/v1/namespaces/{space}/configmaps/{name}") for space, name in sorted(wanted))
    return [item for item in found if item]

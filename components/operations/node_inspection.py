"""Looks at nodes themselves (ports, routes, CNI conf) and writes what was seen where the checks find it."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from components.names import NAMESPACE
from components.operations.api import Cluster, ClusterError
from components.operations.deadline import OperationError
from components.operations.model import Node
from components.operations.node_shell import run_on_node
from components.operations.snapshot import FACTS, is_of_facts
from components.pods import OurPods

_CONFIG_MAPS = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
_AT_ONCE = 20
_OF_PODS = ("veth", "cali", "lxc")
_MOST_BYTES = 800_000


def telling(routes: list[list[str]], *, blocks: set[str]) -> list[list[str]]:
    """The routes without those of either CNI: each node has one to every other, too many for a ConfigMap to keep.

    The nodes' blocks of the old network are known from the Node objects; what leads into Cilium is no one else's.
    """
    return [[network, device] for network, device in routes if network not in blocks and "cilium_" not in device]


def own_devices(interfaces: dict[str, int]) -> dict[str, int]:
    """The interfaces without those of pods, which come and go."""
    return {name: mtu for name, mtu in interfaces.items() if not name.startswith(_OF_PODS)}


def parts(data: dict[str, str]) -> list[dict[str, str]]:
    """The facts in as many parts as are needed for a ConfigMap, which holds 1 MiB, to hold one."""
    found: list[dict[str, str]] = [{}]
    size = 0
    for node, text in sorted(data.items()):
        if size + len(text) > _MOST_BYTES:
            found, size = [*found, {}], 0
        found[-1][node] = text
        size += len(text)
    return found


def inspect_nodes(cluster: Cluster, nodes: Sequence[str], *, pods: OurPods) -> dict[str, Any]:
    """Look at each of these nodes and write it down beside what is known of others; returns what was seen, by node.

    Nodes that are NotReady or run no Linux are left out: what was seen of them before stays. What is known of nodes
    that are gone goes. Raises OperationError if a Ready node cannot be looked at.
    """
    there = {node.name: node for node in map(Node.read, cluster.list("/api/v1/nodes"))}
    wanted = [name for name in nodes if name in there and there[name].ready and there[name].runs_linux]
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        found = pool.map(lambda name: _look(cluster, name, pods=pods), wanted)
        facts = {name: seen for name, seen in zip(wanted, found, strict=True) if seen is not None}
    blocks = {block for node in there.values() for block in node.pod_cidrs}
    kept = {
        node: {**seen, "routes": telling(seen["routes"], blocks=blocks), "interfaces": own_devices(seen["interfaces"])}
        for node, seen in facts.items()
    }
    known = {node: text for node, text in _known(cluster).items() if node in there}
    _write(cluster, known | {node: json.dumps(seen, sort_keys=True) for node, seen in kept.items()})
    return facts


def _look(cluster: Cluster, name: str, *, pods: OurPods) -> dict[str, Any] | None:
    """The facts of one node; None if it went away or became NotReady meanwhile."""
    try:
        seen: dict[str, Any] = run_on_node(cluster, name, "inspect_network", pods=pods)
    except (OperationError, ClusterError):
        now = cluster.find(f"/api/v1/nodes/{name}")
        if now is None or not Node.read(now).ready:
            return None
        raise
    return seen


def _known(cluster: Cluster) -> dict[str, str]:
    found: dict[str, str] = {}
    for item in cluster.list(_CONFIG_MAPS):
        if is_of_facts(item["metadata"]["name"]):
            found |= item.get("data") or {}
    return found


def _write(cluster: Cluster, data: dict[str, str]) -> None:
    forget_nodes(cluster)
    for number, part in enumerate(parts(data)):
        name = f"{FACTS}-{number}" if number else FACTS
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": NAMESPACE}}
        cluster.create(_CONFIG_MAPS, {**body, "data": part})


def forget_nodes(cluster: Cluster) -> None:
    """Delete what was written down of all nodes."""
    for item in cluster.list(_CONFIG_MAPS):
        if is_of_facts(item["metadata"]["name"]):
            cluster.delete(f"{_CONFIG_MAPS}/{item['metadata']['name']}")

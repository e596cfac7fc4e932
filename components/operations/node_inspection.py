"""Looks at nodes themselves (ports, routes, CNI conf) and writes what was seen where the checks find it."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from components.names import NAMESPACE
from components.operations.api import Cluster
from components.operations.model import Node
from components.operations.node_shell import run_on_node
from components.operations.snapshot import FACTS, is_of_facts

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


def inspect_nodes(cluster: Cluster, nodes: list[str], *, image: str) -> dict[str, Any]:
    """Look at each node and write it down; returns everything that was seen, by node."""
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        found = pool.map(lambda node: run_on_node(cluster, node, "inspect_network", image=image), nodes)
        facts = dict(zip(nodes, found, strict=True))
    blocks = {block for item in cluster.list("/api/v1/nodes") for block in Node.read(item).pod_cidrs}
    kept = {
        node: {**seen, "routes": telling(seen["routes"], blocks=blocks), "interfaces": own_devices(seen["interfaces"])}
        for node, seen in facts.items()
    }
    _write(cluster, {node: json.dumps(seen, sort_keys=True) for node, seen in kept.items()})
    return facts


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

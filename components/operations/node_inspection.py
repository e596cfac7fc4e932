"""Inspects nodes (ports, routes, CNI confs) and stores the facts in ConfigMaps, from which the checks read them."""

import ipaddress
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from components.names import NAMESPACE
from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError
from components.operations.deadline import OperationError
from components.operations.objects.model import Node
from components.operations.our_pods.node_shell import run_on_node
from components.operations.snapshot import FACTS, is_of_facts
from components.pods import OurPods

_CONFIG_MAPS = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
_AT_ONCE = 20
_OF_PODS = ("veth", "cali", "lxc")
_OF_SERVICES = "kube-ipvs"
_MOST_BYTES = 800_000
T = TypeVar("T")
_MOST_ROUTES = 100
_USUAL_LENGTHS = {4: 24, 6: 64}


def telling(routes: list[list[str]], *, blocks: set[str]) -> list[list[str]]:
    """The routes without those of either CNI: each node has one to every other, too many for a ConfigMap.

    The nodes' blocks of the old network are known from the Node objects; routes into Cilium, to pods and to Services
    belong to nobody else. Very many single addresses, such as a VPN's, are summarised as networks.
    """
    kept = [
        [network, device]
        for network, device in routes
        if network not in blocks and "cilium_" not in device and not device.startswith((*_OF_PODS, _OF_SERVICES))
    ]
    if len(kept) <= _MOST_ROUTES:
        return kept
    return [[network, device] for network, device in dict.fromkeys((_around(each[0]), each[1]) for each in kept)]


def _around(text: str) -> str:
    network = ipaddress.ip_network(text)
    return str(network.supernet(new_prefix=min(network.prefixlen, _USUAL_LENGTHS[network.version])))


def own_devices(interfaces: dict[str, T]) -> dict[str, T]:
    """Facts of interfaces, without those of pods, which change all the time."""
    return {name: told for name, told in interfaces.items() if not name.startswith(_OF_PODS)}


def own_addresses(addresses: list[list[str]]) -> list[list[str]]:
    """The addresses without those of pods' links, and of the device on which kube-proxy keeps every Service's."""
    return [each for each in addresses if not each[0].startswith((*_OF_PODS, _OF_SERVICES, "cilium_"))]


def parts(data: dict[str, str]) -> list[dict[str, str]]:
    """The facts split into parts that each fit into a ConfigMap, which holds 1 MiB."""
    found: list[dict[str, str]] = [{}]
    size = 0
    for node, text in sorted(data.items()):
        if size + len(text) > _MOST_BYTES:
            found, size = [*found, {}], 0
        found[-1][node] = text
        size += len(text)
    return found


def inspect_nodes(cluster: Cluster, nodes: Sequence[str], *, pods: OurPods) -> dict[str, Any]:
    """Inspect these nodes and store the facts beside those of the others; returns the new facts, by node.

    Nodes that are NotReady or run no Linux are left out: their earlier facts stay. Facts of deleted nodes are removed.
    Raises OperationError if a Ready node cannot be inspected.
    """
    there = {node.name: node for node in map(Node.read, cluster.list("/api/v1/nodes"))}
    wanted = [name for name in nodes if name in there and there[name].ready and there[name].runs_linux]
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        found = pool.map(lambda name: _look(cluster, name, pods=pods), wanted)
        facts = {name: seen for name, seen in zip(wanted, found, strict=True) if seen is not None}
    blocks = {block for node in there.values() for block in node.pod_cidrs}
    kept = {
        node: {
            **seen,
            "addresses": own_addresses(seen.get("addresses", [])),
            "routes": telling(seen["routes"], blocks=blocks),
            "further_routes": telling(seen.get("further_routes", []), blocks=blocks),
            "interfaces": own_devices(seen["interfaces"]),
            "kinds": own_devices(seen.get("kinds", {})),
        }
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
    """Delete the stored facts of all nodes."""
    for item in cluster.list(_CONFIG_MAPS):
        if is_of_facts(item["metadata"]["name"]):
            cluster.delete(f"{_CONFIG_MAPS}/{item['metadata']['name']}")

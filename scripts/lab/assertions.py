"""Assertions about the lab's machines, independent of the program that changed them."""

import ipaddress
import json
import re
from typing import Any

from scripts.lab.cluster.sources import Source, source
from scripts.lab.console import LabError
from scripts.lab.lab import Lab

NEW_NETWORK = ipaddress.ip_network("10.245.0.0/16")
_PACKET_BYTES = "1450"  # the lab's network has 1500, one tunnel takes 50; 1400 if Cilium used the old tunnel


def _pods(lab: Lab, *, node: str = "") -> list[dict[str, Any]]:
    field = [f"--field-selector=spec.nodeName={node}"] if node else []
    items: list[dict[str, Any]] = json.loads(lab.kubectl("get", "pods", "-A", "-o", "json", *field).stdout)["items"]
    return [
        item
        for item in items
        if not item["spec"].get("hostNetwork") and item["status"].get("phase") not in ("Succeeded", "Failed")
    ]


def _addresses_outside(pods: list[dict[str, Any]], network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> list[str]:
    found = []
    for pod in pods:
        address = pod["status"].get("podIP")
        if address and ipaddress.ip_address(address) not in network:
            found.append(f"{pod['metadata']['namespace']}/{pod['metadata']['name']} {address}")
    return found


def _source(lab: Lab) -> Source:
    return source(lab.layout().source)


def _fail(node: str, faults: list[str]) -> None:
    if faults:
        raise LabError(f"{node}: " + "; ".join(faults))


def node_is_on_cilium(lab: Lab, node: str) -> list[str]:
    """Assert addresses, CNI conf, routes and scheduling of a migrated node; returns a summary, raises LabError."""
    faults = []
    files = sorted(lab.exec(node, ["ls", lab.layout().conf_folder]).stdout.split())
    active = [name for name in files if name.endswith((".conf", ".conflist", ".json"))]
    if active != ["05-cilium.conflist"]:
        faults.append(f"active CNI conf is {active}")
    routes = lab.exec(node, ["ip", "-4", "route"]).stdout
    if "dev cilium_host" not in routes:
        faults.append("no route through cilium_host")
    sizes = set(re.findall(r"dev cilium_host .* mtu (\d+)", routes))
    if sizes - {_PACKET_BYTES}:
        faults.append(f"packets to other nodes are of {', '.join(sorted(sizes))} bytes instead of {_PACKET_BYTES}")
    old = _addresses_outside(_pods(lab, node=node), NEW_NETWORK)
    if old:
        faults.append(f"pods with other addresses: {', '.join(old)}")
    item = json.loads(lab.kubectl("get", "node", node, "-o", "json").stdout)
    if item["spec"].get("unschedulable"):
        faults.append("still cordoned")
    if item["metadata"]["labels"].get("io.cilium.migration/cilium-default") != "true":
        faults.append("label is not set")
    _fail(node, faults)
    return [f"CNI conf {', '.join(files)}", f"{len(_pods(lab, node=node))} pods, all in {NEW_NETWORK}"]


def node_is_on_source(lab: Lab, node: str) -> list[str]:
    """The same for a node on the old network, whether it never left or came back."""
    faults = []
    files = sorted(lab.exec(node, ["ls", lab.layout().conf_folder]).stdout.split())
    # Calico's plugin keeps its credentials in the same folder.
    if [name for name in files if name != "calico-kubeconfig"] != [_source(lab).conf]:
        faults.append(f"CNI conf is {files}")
    new = _addresses_outside(_pods(lab, node=node), lab.layout().pods)
    if new:
        faults.append(f"pods with other addresses: {', '.join(new)}")
    item = json.loads(lab.kubectl("get", "node", node, "-o", "json").stdout)
    if item["spec"].get("unschedulable"):
        faults.append("still cordoned")
    if "io.cilium.migration/cilium-default" in item["metadata"]["labels"]:
        faults.append("label is still set")
    ours = [key for key in item["metadata"].get("annotations") or {} if key.startswith("cni-live-migration/")]
    if ours:
        faults.append(f"annotations {', '.join(ours)} are left")
    _fail(node, faults)
    return [f"CNI conf {', '.join(files)}", f"{len(_pods(lab, node=node))} pods, all in {lab.layout().pods}"]


def _left_on_node(lab: Lab, node: str, old: Source) -> list[str]:
    links = lab.exec(node, ["ls", "/sys/class/net"]).stdout.split()
    found = [name for name in links if name in old.devices or name.startswith(old.prefixes)]
    found += [
        f"{chains} chains in {tool}"
        for tool in ("iptables-nft", "iptables-legacy")
        for chains in old.chains
        if chains in lab.exec(node, [f"{tool}-save"], check=False).stdout
    ]
    if old.prefixes:
        sets = lab.exec(node, ["ipset", "list", "-name"]).stdout.split()
        found += [f"IP set {name}" for name in sets if name.startswith(old.prefixes)]
    files = lab.exec(node, ["ls", lab.layout().conf_folder]).stdout.split()
    found += [f"{name} in {lab.layout().conf_folder}" for name in files if any(word in name for word in old.words)]
    tables = lab.exec(node, ["nft", "list", "tables"]).stdout.splitlines()
    return found + [f"nftables' {table}" for table in tables if any(word in table for word in old.words)]


def no_source_left(lab: Lab, nodes: list[str]) -> list[str]:
    """Assert the state after `cleanup`: no old address, object, device, chain or conf, and Cilium's final settings."""
    old = _source(lab)
    faults = [f"pod {each}" for each in _addresses_outside(_pods(lab), NEW_NETWORK)]
    kinds = "daemonsets,deployments,configmaps,serviceaccounts,namespaces,clusterroles,clusterrolebindings"
    names = lab.kubectl("get", kinds, "-A", "-o", "name").stdout.split()
    faults += [f"object {name}" for name in names if any(word in name for word in old.words)]
    for node in nodes:
        faults += [f"{node} has {each}" for each in _left_on_node(lab, node, old)]
        # Calico's agents mark their node as one without a network when they end.
        taints = json.loads(lab.kubectl("get", "node", node, "-o", "json").stdout)["spec"].get("taints") or []
        faults += [f"{node} has the taint {taint['key']}" for taint in taints]
    config = json.loads(lab.kubectl("-n", "kube-system", "get", "configmap", "cilium-config", "-o", "json").stdout)
    wanted = {"custom-cni-conf": "false", "enable-policy": "default"}
    for key, value in wanted.items():
        if config["data"].get(key) != value:
            faults.append(f"cilium-config has {key}={config['data'].get(key)}, not {value}")
    if config["data"].get("unmanaged-pod-watcher-interval") == "0":
        faults.append("cilium-config keeps the watcher of unmanaged pods off")
    _fail("after cleanup", faults)
    return [f"no trace of {old.title} on {len(nodes)} nodes, Cilium has its final settings"]

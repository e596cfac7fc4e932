"""The cluster's policies as the pure part is told them, and which of Cilium's objects a run keeps."""

from collections.abc import Mapping
from typing import Any

from components.names import NAMESPACE
from components.operations.model import Node
from components.operations.snapshot import Snapshot
from components.sources.description import SourceDescription
from stacks.config import StackConfig
from stacks.phases import Phase
from stacks.policies import Inventory, Surroundings, take_inventory
from stacks.policies.cilium import API_VERSION

Object = Mapping[str, Any]
CALICO = "Calico"
_TUNNEL_ENDS = (
    "projectcalico.org/IPv4VXLANTunnelAddr",
    "projectcalico.org/IPv4IPIPTunnelAddr",
    "projectcalico.org/IPv6VXLANTunnelAddr",
)
_ENGINES = ("kube-router", "kube-network-policies", "calico", "weave", "antrea")


def engine(snapshot: Snapshot, source: SourceDescription) -> str:
    """Who enforces policies today, in an operator's words; empty if nobody in sight does."""
    if source.policy_engine:
        return source.policy_engine
    if snapshot.is_k3s:
        return "k3s"
    for item in snapshot.daemon_sets:
        for container in item["spec"]["template"]["spec"].get("containers") or []:
            if any(word in container.get("image", "") for word in _ENGINES):
                return f"DaemonSet {item['metadata']['namespace']}/{item['metadata']['name']}"
    return ""


def inventory(config: StackConfig, *, snapshot: Snapshot, source: SourceDescription) -> Inventory:
    """What becomes of each policy of the cluster, our own left out."""
    enforces = engine(snapshot, source)
    surroundings = Surroundings(
        pod_networks=source.pod_networks,
        node_addresses={node.name: node.internal_addresses for node in snapshot.nodes},
        namespaces=snapshot.namespaces,
        engine=enforces,
        calico=CALICO.lower() in enforces.lower(),
        tunnel_addresses=tuple(address for node in snapshot.nodes for address in _in_old_network(node)),
        sctp=_has_sctp(config),
    )
    objects = dict(snapshot.calico)
    for item in snapshot.admin_policies:
        objects[item["kind"]] = (*objects.get(item["kind"], ()), item)
    own = [item for item in snapshot.policy_objects if item["metadata"]["namespace"] != NAMESPACE]
    return take_inventory(kubernetes_policies=own, calico_objects=objects, surroundings=surroundings)


def kept(config: StackConfig, found: Inventory, *, snapshot: Snapshot, gone: bool) -> list[Object]:
    """The policy objects that a run keeps on the cluster.

    Translations come before agents enforce policies: with `finalize`, or with Cilium where the window is bridged. Once
    the old engine's own objects may be gone, they stay as they are. While nodes move, the old engine lets moved pods
    through, which it sees by their nodes' addresses.
    """
    wanted, phase = config.policies, config.phase
    if not phase.includes(Phase.SECONDARY):
        return []
    if phase.includes(Phase.FINALIZE):
        if not wanted.accept_translated:
            return []
        over = gone or phase.includes(Phase.CLEANUP)
        return [_plain(item) for item in snapshot.translations] if over else found.manifests
    meanwhile = [*found.manifests, *found.window] if wanted.bridge and wanted.accept_translated else []
    if wanted.bridge or wanted.accept_unenforced_policies:
        meanwhile += found.old_side
    return meanwhile


def _plain(item: Object) -> Object:
    """As it was declared: without what the API server and others add."""
    metadata = {
        key: item["metadata"][key] for key in ("name", "namespace", "labels", "annotations") if key in item["metadata"]
    }
    kind = "CiliumNetworkPolicy" if "namespace" in metadata else "CiliumClusterwideNetworkPolicy"
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": item["spec"]}


def _in_old_network(node: Node) -> list[str]:
    """By which addresses pods of the old network see a node, besides its own: its ends of the tunnels."""
    named = [node.annotations[key] for key in _TUNNEL_ENDS if node.annotations.get(key)]
    # Flannel's end has the first address of the node's range (source: flannel's backend/vxlan).
    return [*named, *(each.partition("/")[0] for each in node.pod_cidrs)]


def _has_sctp(config: StackConfig) -> bool:
    chosen = {**config.cilium.values, **config.cilium.final_values}.get("sctp") or {}
    return bool(chosen.get("enabled"))

"""The inventory of the cluster's network policies, and the policy objects that a run keeps."""

from collections.abc import Mapping
from typing import Any

from components.addresses.pods import pod_networks
from components.identity_labels import at_last
from components.names import NAMESPACE
from components.operations.objects.model import Node
from components.operations.snapshot import Snapshot
from components.policy_engines import engines
from components.sources.description import SourceDescription
from components.sources.policy_settings import settings_like_policies
from stacks.addresses import Kind, Register
from stacks.config import StackConfig
from stacks.policies import Inventory, Surroundings, take_inventory
from stacks.policies.writing.cilium import API_VERSION
from stacks.strategies import Milestone

Object = Mapping[str, Any]
_TUNNEL_ENDS = (
    "projectcalico.org/IPv4VXLANTunnelAddr",
    "projectcalico.org/IPv4IPIPTunnelAddr",
    "projectcalico.org/IPv6VXLANTunnelAddr",
)
_WITHIN = (
    Kind.LOCAL_DNS, Kind.DEVICE, Kind.VIRTUAL, Kind.SERVICE, Kind.EXTERNAL, Kind.BALANCER, Kind.API_SERVER,
    Kind.ENDPOINT,
)  # fmt: skip


def engine(snapshot: Snapshot, source: SourceDescription) -> str:
    """The programs that enforce policies today, as text for messages; empty if none is seen."""
    return " and ".join(each.title for each in engines(snapshot, source))


def inventory(config: StackConfig, *, snapshot: Snapshot, source: SourceDescription, addresses: Register) -> Inventory:
    """Every policy of the cluster with its outcome under Cilium; this program's own are left out."""
    calico = any(each.reads_calico for each in engines(snapshot, source))
    surroundings = Surroundings(
        pod_networks=pod_networks(addresses),
        node_addresses={
            node.name: (*node.internal_addresses, *node.external_addresses)
            for node in snapshot.nodes
            if node.runs_linux  # without an agent, a node's addresses are outside the cluster to Cilium
        },
        external_addresses=frozenset(each for node in snapshot.nodes for each in node.external_addresses),
        namespaces=snapshot.namespaces,
        engine=engine(snapshot, source),
        calico=calico,
        tunnel_addresses=tuple(address for node in snapshot.nodes for address in _in_old_network(node)),
        sctp=_has_sctp(config),
        labels=at_last(config.cilium, snapshot.cilium_config).filter,
        cidr_means_nodes="nodes" in (_chosen(config).get("policyCIDRMatchMode") or ()),
        addresses=_within(addresses),
        settings=settings_like_policies(snapshot, calico=calico, mode=final_mode(config)),
    )
    own = [item for item in snapshot.policy_objects if item["metadata"]["namespace"] != NAMESPACE]
    return take_inventory(
        kubernetes_policies=own,
        calico_objects=snapshot.calico,
        surroundings=surroundings,
        of_administrators=snapshot.admin_policies,
    )


def _within(addresses: Register) -> Register:
    """Addresses that a policy may name, without those of pods and Node objects; each only once."""
    there = [each for each in addresses.of(*_WITHIN) if not each.likely]
    return Register({(each.network, each.kind): each for each in reversed(there)}.values())


def kept(config: StackConfig, found: Inventory, *, snapshot: Snapshot, gone: bool) -> list[Object]:
    """The policy objects that a run keeps on the cluster.

    Translations come before agents enforce policies: with `finalize`, or together with Cilium if policies are bridged
    while nodes move. Once the old engine's own objects may be gone, they stay as they are. While nodes move, the old
    engine admits moved pods, which it sees with their nodes' addresses.
    """
    wanted = config.policies
    if not config.reaches(Milestone.BOTH_NETWORKS):
        return []
    if config.reaches(Milestone.CILIUM_ALONE):
        if not wanted.accept_translated:
            return []
        over = gone or config.reaches(Milestone.OLD_NETWORK_GONE)
        return [_plain(item) for item in snapshot.translations] if over else found.manifests
    meanwhile = [*found.manifests, *found.window] if wanted.bridge and wanted.accept_translated else []
    if wanted.beside_the_old:
        meanwhile += found.old_side
    return meanwhile


def _plain(item: Object) -> Object:
    """The object as it was declared, without fields that the API server and controllers add."""
    metadata = {
        key: item["metadata"][key] for key in ("name", "namespace", "labels", "annotations") if key in item["metadata"]
    }
    kind = "CiliumNetworkPolicy" if "namespace" in metadata else "CiliumClusterwideNetworkPolicy"
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": item["spec"]}


def _in_old_network(node: Node) -> list[str]:
    """The addresses, besides its own, that pods of the old network see a node with: those of its tunnel devices."""
    named = [node.annotations[key] for key in _TUNNEL_ENDS if node.annotations.get(key)]
    # Flannel's end has the first address of the node's range (source: flannel's backend/vxlan).
    return [*named, *(each.partition("/")[0] for each in node.pod_cidrs)]


def _has_sctp(config: StackConfig) -> bool:
    return bool((_chosen(config).get("sctp") or {}).get("enabled"))


def final_mode(config: StackConfig) -> str:
    """Cilium's policyEnforcementMode from phase `finalize` on."""
    return str(config.cilium.final_values.get("policyEnforcementMode") or "default")


def _chosen(config: StackConfig) -> dict[str, Any]:
    """The user's own Helm values in the final phase."""
    return {**config.cilium.values, **config.cilium.final_values}

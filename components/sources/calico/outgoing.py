"""Calico's pools whose pod addresses are seen outside of the cluster, and those of load balancers."""

from collections.abc import Iterator
from ipaddress import ip_address

from components.operations.snapshot import Snapshot
from components.plurals import many
from components.sources.description import SourceDescription
from stacks.addresses import networks_of


def outgoing(snapshot: Snapshot, _source: SourceDescription) -> Iterator[str]:
    """Calico's pools whose pods keep their addresses; a disabled one as long as pods have addresses of it."""
    pools = snapshot.calico.get("IPPool", ())
    for item in pools:
        spec = item.get("spec") or {}
        if spec.get("natOutgoing"):
            continue
        pods = sum(pod.on_pod_network and pod.address_in(spec["cidr"]) for pod in snapshot.pods)
        for_pods = "Workload" in (spec.get("allowedUses") or ["Workload"])
        if pods or (for_pods and not spec.get("disabled")):
            yield f"IPPool {item['metadata']['name']} ({spec['cidr']}, {many(pods, 'pod')}) has natOutgoing off"
        elif for_pods and _has_nodes(spec["cidr"], snapshot):
            yield f"IPPool {item['metadata']['name']} leaves pods their own addresses towards {spec['cidr']}"
    for installation in () if pools else snapshot.calico.get("Installation", ()):
        network = (installation.get("spec") or {}).get("calicoNetwork") or {}
        for each in network.get("ipPools") or []:
            if each.get("natOutgoing") == "Disabled":
                yield f"the Installation's pool {each.get('cidr')} has natOutgoing off"


def balanced_by_calico(snapshot: Snapshot) -> Iterator[str]:
    """Calico's pools of which its controllers give addresses to load balancers."""
    for item in snapshot.calico.get("IPPool", ()):
        spec = item.get("spec") or {}
        if "LoadBalancer" in (spec.get("allowedUses") or ()) and not spec.get("disabled"):
            yield f"IPPool {item['metadata']['name']} ({spec['cidr']})"


def _has_nodes(network: str, snapshot: Snapshot) -> bool:
    """True if nodes have addresses of it: a disabled pool with these is no pods', and says what is not masqueraded."""
    addresses = {ip_address(each) for node in snapshot.nodes for each in node.internal_addresses}
    return any(each in own for own in networks_of(network) for each in addresses)

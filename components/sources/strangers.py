"""CNIs that are known by name and have no file of their own here: what the user hears of them."""

from components.operations.snapshot import Snapshot
from components.sources.workload import container_with, title

_BACKEND = "flannel.alpha.coreos.com/backend-type"
_DESCRIBE = "describe its network in the config's `source`, with kind 'generic'"
_NAMES = {
    "amazon-k8s-cni": ("AWS VPC CNI", _DESCRIBE),
    "azure-cns": ("Azure CNI", _DESCRIBE),
    "weave-kube": ("Weave Net", _DESCRIBE),
    "antrea": ("Antrea", "its Open vSwitch takes packets past the host's routing, which the method relies on"),
    "ovnkube": ("OVN-Kubernetes", "its Open vSwitch takes packets past the host's routing, which the method relies on"),
    "kube-ovn": ("Kube-OVN", "its Open vSwitch takes packets past the host's routing, which the method relies on"),
    "kube-router": ("kube-router", _DESCRIBE),
    "cilium/cilium": ("Cilium", "there is nothing to migrate; another Cilium is upgraded, not migrated to"),
    "netd": ("GKE's netd", _DESCRIBE),
}


def strangers(snapshot: Snapshot) -> list[str]:
    """One line for each CNI that is known by name alone: who, where, and what then."""
    found = []
    for item in snapshot.daemon_sets:
        for program, (name, remedy) in _NAMES.items():
            if container_with(item, program):
                found.append(f"{name} ({title(item)}): {remedy}")
                break
    return found


def embedded(snapshot: Snapshot) -> list[str]:
    """Flannel in k3s's own process: no DaemonSet runs it, but every node has its annotation."""
    names = sorted(node.name for node in snapshot.nodes if _BACKEND in node.annotations)
    if not names:
        return []
    backend = snapshot.node(names[0])
    told = backend.annotations[_BACKEND] if backend else ""
    pools = sorted({cidr for node in snapshot.nodes for cidr in node.pod_cidrs})
    return [
        f"Flannel with no DaemonSet (node {names[0]} has annotation {_BACKEND}: {told}), as k3s runs it in its own "
        f"process; it can be migrated from if you {_DESCRIBE}, podNetworks around the nodes' {', '.join(pools[:2])}, "
        "and taken out afterwards by k3s's `--flannel-backend=none`"
    ]

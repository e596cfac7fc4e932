"""CNIs that are recognised by name but not supported automatically, with advice for each."""

from dataclasses import dataclass

from components.operations.snapshot import Snapshot
from components.sources.facts.workload import Object, container_with, title
from components.sources.flannel.embedded import embedded


@dataclass(frozen=True)
class Stranger:
    """A CNI that is known by name, with advice for its user."""

    name: str
    remedy: str


_DESCRIBE = "describe its network in the config's `source`, with kind 'generic'"
_PAST_THE_HOST = "its Open vSwitch takes packets past the host's routing, which the method relies on"
_NAMES = {
    "amazon-k8s-cni": Stranger("AWS VPC CNI", _DESCRIBE),
    "azure-cns": Stranger("Azure CNI", _DESCRIBE),
    "weave-kube": Stranger("Weave Net", _DESCRIBE),
    "antrea": Stranger("Antrea", _PAST_THE_HOST),
    "ovnkube": Stranger(
        "OVN-Kubernetes", "its Open vSwitch takes packets past the host's routing, which the method relies on"
    ),
    "kube-ovn": Stranger(
        "Kube-OVN", "its Open vSwitch takes packets past the host's routing, which the method relies on"
    ),
    "kube-router": Stranger("kube-router", _DESCRIBE),
    "cilium/cilium": Stranger("Cilium", "there is nothing to migrate; another Cilium is upgraded, not migrated to"),
    "netd": Stranger("GKE's netd", _DESCRIBE),
}


def unsupported(snapshot: Snapshot) -> list[str]:
    """One line for each such CNI on the cluster: name, DaemonSet, advice."""
    found = [(item, known_cni(item)) for item in snapshot.daemon_sets]
    return [f"{program.name} ({title(item)}): {program.remedy}" for item, program in found if program]


def known_cni(item: Object) -> "Stranger | None":
    """The CNI that a DaemonSet runs, if it is one of these."""
    return next((each for program, each in _NAMES.items() if container_with(item, program)), None)


def in_a_process(snapshot: Snapshot) -> list[str]:
    """The line for a Flannel embedded in k3s, which cannot be removed from a single node."""
    found = embedded(snapshot)
    if found is None:
        return []
    return [
        f"Flannel with no DaemonSet ({found.evidence}), as k3s runs it in its own process: it writes its conf anew at "
        "each start and ends on all nodes or on none, and no migration from it was ever tried; if you will, describe "
        f"it in full in the config's `source`, {found.as_source}, and set k3s's `--flannel-backend=none` once all "
        "nodes moved, before the old CNI is removed: k3s then reads CNI confs and plugins in /etc/cni/net.d and "
        "/opt/cni/bin alone, which have to be links to the folders that it has now"
    ]

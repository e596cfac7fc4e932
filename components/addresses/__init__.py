"""The register of a cluster's addresses, from what was read of it."""

from components.addresses import daemons, nodes, pods, policies, services
from components.addresses.entries import inside
from components.operations.snapshot import Snapshot
from components.sources.description import SourceDescription
from stacks.addresses import ByName, Entry, Kind, Register, host_of

__all__ = ["hosts_of", "register_of"]

# Entries of these kinds are left out if they are inside the cluster, where other entries cover them.
_ELSEWHERE = (Kind.SERVER, Kind.ENDPOINT)


def register_of(snapshot: Snapshot, source: SourceDescription) -> Register:
    """Every network in use, with its user; Cilium's own are left out."""
    inner = [*pods.entries(snapshot, source), *services.entries(snapshot)]
    sure = Register(each for each in inner if not each.likely)
    stores = [
        Entry(network=network, kind=Kind.STORAGE, user=f"a volume of pod {pod.title}", owner=pod.title)
        for pod in snapshot.pods
        for network in pod.storage
    ]
    of_nodes = list(nodes.entries(snapshot, sure))
    named = [*snapshot.named_addresses, *daemons.entries(snapshot), *pods.told(snapshot)]
    if any(each.kind in _ELSEWHERE for each in named):
        within = Register([*sure.entries, *(each for each in of_nodes if each.kind is not Kind.ROUTE)])
        named = [each for each in named if each.kind not in _ELSEWHERE or not inside(each.network, within)]
    known = Register([*inner, *of_nodes, *named, *stores])
    known = Register([*known.entries, *nodes.reached(source, known)])
    return Register([*known.entries, *policies.entries(snapshot, known)])


def hosts_of(snapshot: Snapshot) -> list[ByName]:
    """Servers that are not in the register because only their host names are known."""
    stores = [
        ByName(host=host, kind=Kind.STORAGE, user=f"a volume of pod {pod.title}")
        for pod in snapshot.pods
        for host in filter(None, map(host_of, pod.storage_hosts))
    ]
    named = [*snapshot.named_hosts, *daemons.hosts(snapshot), *stores]
    return [each for each in named if each.host not in snapshot.node_names]

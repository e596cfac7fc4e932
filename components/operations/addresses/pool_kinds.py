"""Custom resources that name addresses, recognised by their kinds' names in the API server's discovery.

Among them are secondary networks of Multus, egress addresses, gateways, servers of a mesh, and address pools. There
are too many kinds for a list, so a kind's name decides.
"""

import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from components.operations.addresses.servers import entries
from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError, Object
from components.operations.cluster_api.served_kinds import ServedKind, discover
from stacks.addresses import Entry, Kind, is_single, named_in

# By the first that a kind's name fits; of egress and of routers single addresses alone, as such objects say besides
# whom they are about.
_NAMES: tuple[tuple[re.Pattern[str], Kind], ...] = (
    (re.compile(r"Egress(IP|Gateway|Service|es)?|ExternalIP|HostSubnet|NetNamespace"), Kind.EGRESS),
    (re.compile(r"NetworkAttachmentDefinition|(Cluster)?UserDefinedNetwork|NodeSlicePool|\w*Subnet"), Kind.FURTHER),
    (re.compile(r"(Service|Workload)Entry"), Kind.SERVER),
    (re.compile(r"Gateway|VirtualServer|TransportServer|IngressLink|LoadBalancer"), Kind.BALANCER),
    (re.compile(r"BGP(Peer|Neighbor)|Router"), Kind.ROUTER),
    (re.compile(r"\w*(IP|Address|Addresses|CIDR)(Pool|Block|Range|Reservation)|\w*IPAddress|\w*E[iI][pP]|V[iI][pP]"),
     Kind.LISTED),
)  # fmt: skip
_SINGLE = (Kind.EGRESS, Kind.ROUTER, Kind.VIRTUAL)
# Cilium's and Calico's are read elsewhere, and one each Service has.
_READ_ELSEWHERE = ("cilium.io", "crd.projectcalico.org", "projectcalico.org", "networking.k8s.io", "discovery.k8s.io")
_CLUSTERS_OWN = {"config.openshift.io": {"Infrastructure": Kind.VIRTUAL}}
_NO_OBJECTS = (404, 405)
_AT_ONCE = 8


@dataclass(frozen=True, kw_only=True)
class ListedAddresses:
    """Addresses that such objects name, and the kinds whose objects could not be listed."""

    entries: tuple[Entry, ...] = ()
    unread: tuple[str, ...] = ()


def listed(cluster: Cluster, *, known: Iterable[str]) -> ListedAddresses:
    """Addresses in all groups but the `known` ones, which are read elsewhere; none if discovery is denied."""
    try:
        served, _ = discover(cluster)
    except ClusterError:
        return ListedAddresses()  # reported by the reading of policy kinds
    left_out = {*known, *_READ_ELSEWHERE}
    telling = [(each, kind) for each in served if each.group not in left_out and (kind := _kind(each))]
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        read = list(pool.map(lambda each: _read(cluster, *each), telling))
    return ListedAddresses(
        entries=tuple(entry for found in read if found is not None for entry in found),
        unread=tuple(
            f"{each.resource}.{each.group}" for (each, _), found in zip(telling, read, strict=True) if found is None
        ),
    )


def _kind(served: ServedKind) -> Kind | None:
    if "." not in served.group:
        return None
    own = _CLUSTERS_OWN.get(served.group)
    if own is not None:
        return own.get(served.kind)
    return next((kind for pattern, kind in _NAMES if pattern.fullmatch(served.kind)), None)


def _read(cluster: Cluster, served: ServedKind, kind: Kind) -> list[Entry] | None:
    """The addresses that objects request and were given; None if they cannot be listed."""

    def of_object(item: Object) -> list[Entry]:
        metadata = item["metadata"]
        space = f"{metadata['namespace']}/" if metadata.get("namespace") else ""
        named = named_in([item.get("spec"), item.get("status"), item.get("egressIPs")])
        networks = filter(is_single, named) if kind in _SINGLE else named
        user = f"{kind} ({served.resource}.{served.group} {space}{metadata['name']})"
        return entries(networks, kind, user, likely=kind is Kind.LISTED)

    if served.down:
        return None
    try:
        return [entry for found in cluster.read_all(served.path, of_object) for entry in found]
    except ClusterError as error:
        return [] if error.status in _NO_OBJECTS else None

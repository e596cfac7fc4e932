"""Calico's own objects, as they are: its pools, settings, peers and policies, and what its operator is told."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from components.operations.api import Cluster, Object

CALICO, OPERATOR = "/apis/crd.projectcalico.org/v1", "/apis/operator.tigera.io/v1"
# Written by Calico for each node or address: many, and nothing is decided by them.
_UNREAD = {
    "BlockAffinity", "CalicoNodeStatus", "IPAMBlock", "IPAMConfig", "IPAMHandle", "IPReservation",
    "KubeControllersConfiguration",
}  # fmt: skip
_AT_ONCE = 8


def read_kinds(cluster: Cluster) -> list[tuple[str, str, str]]:
    """(kind, group, resource) of all that is read: those that the API serves, two requests where there is no Calico."""
    return [
        (each["kind"], folder.split("/")[2], each["name"])
        for folder in (CALICO, OPERATOR)
        for each in (cluster.find(folder) or {}).get("resources") or []
        if "/" not in each["name"] and each["kind"] not in _UNREAD
    ]


def read_calico(cluster: Cluster) -> Mapping[str, tuple[Object, ...]]:
    """Every object of Calico's and of its operator's, by kind; none where the cluster serves no such kinds."""
    kinds = read_kinds(cluster)
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        found = pool.map(lambda kind: cluster.list(f"/apis/{kind[1]}/v1/{kind[2]}"), kinds)
        return {kind: tuple(items) for (kind, _, _), items in zip(kinds, found, strict=True)}

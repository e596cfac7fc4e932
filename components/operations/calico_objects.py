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


def read_calico(cluster: Cluster) -> Mapping[str, tuple[Object, ...]]:
    """Every object of Calico's and of its operator's, by kind; none where the cluster serves no such kinds.

    The kinds that the API serves are asked first, so a cluster without Calico costs two requests.
    """
    kinds = [
        (each["kind"], f"{group}/{each['name']}")
        for group in (CALICO, OPERATOR)
        for each in (cluster.find(group) or {}).get("resources") or []
        if "/" not in each["name"] and each["kind"] not in _UNREAD
    ]
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        found = pool.map(lambda kind: cluster.list(kind[1]), kinds)
        return {kind: tuple(items) for (kind, _), items in zip(kinds, found, strict=True)}

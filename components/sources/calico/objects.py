"""Calico's own objects: its pools, settings, BGP peers and policies, and its operator's Installation.

They are kinds of `crd.projectcalico.org`, or of `projectcalico.org` where Calico keeps them there. Calico's own API
server shows the former under the latter's name once more.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError, Object
from components.sources.calico.agent import felix_of

OLD, NATIVE, OPERATOR = "crd.projectcalico.org", "projectcalico.org", "operator.tigera.io"
OPERATORS_NAMESPACE = "tigera-operator"
_FOLDERS = {OLD: f"/apis/{OLD}/v1", NATIVE: f"/apis/{NATIVE}/v3", OPERATOR: f"/apis/{OPERATOR}/v1"}
_API_SERVICE = f"/apis/apiregistration.k8s.io/v1/apiservices/v3.{NATIVE}"
# Written by Calico for each node or address: many, and no decision needs them.
_UNREAD = {
    "BlockAffinity", "CalicoNodeStatus", "IPAMBlock", "IPAMConfig", "IPAMHandle", "IPReservation",
    "KubeControllersConfiguration",
}  # fmt: skip
# Of the native group; of the other whatever a cluster serves.
READ_OF_NATIVE = (
    "bgpconfigurations", "bgppeers", "felixconfigurations", "globalnetworkpolicies", "globalnetworksets",
    "hostendpoints", "ippools", "networkpolicies", "networksets",
)  # fmt: skip
# Staged policies, which Calico never enforces: not read here, but written by users.
STAGED = ("stagednetworkpolicies", "stagedglobalnetworkpolicies", "stagedkubernetesnetworkpolicies")
_DEFAULT_TIER = "default."  # some releases write it before the names of policies, in one group or in both
# How Calico names its own views of Kubernetes' policies, which are read as what they are; its users may name none so.
_VIEWS = re.compile(r"(knp|kanp|kbanp|kcnp)\.[a-z-]+\.")
_AT_ONCE = 8
Kind = tuple[str, str, str]


def keeps_natively(daemon_sets: Iterable[Mapping[str, Any]]) -> bool:
    """True if Calico's agents read their settings from `projectcalico.org`, natively or from an etcd of their own."""
    for item in daemon_sets:
        if (container := felix_of(item)) is not None:
            said = {each["name"]: str(each.get("value") or "") for each in container.get("env") or []}
            unsaid = "etcdv3" if "ETCD_ENDPOINTS" in said else "kubernetes"
            in_etcd = said.get("DATASTORE_TYPE", unsaid).startswith("etcd")
            return in_etcd or said.get("CALICO_API_GROUP", "").startswith(f"{NATIVE}/")
    return False


def read_kinds(cluster: Cluster, *, native: bool = False) -> list[Kind]:
    """(kind, group, resource) of every kind to read that the API serves; a kind in both groups is listed once.

    `native` is the result of `keeps_natively`.
    """
    return _both(cluster, native=native)[0]


def read_calico(cluster: Cluster, *, native: bool = False) -> Mapping[str, tuple[Object, ...]]:
    """Every object of Calico's and of its operator's, by kind; none where the cluster serves no such kinds.

    An object in both groups is listed once, from the group that Calico reads; one that only the other group has is
    listed too, recognisable by its `apiVersion`.
    """
    own, besides = _both(cluster, native=native)
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        mine = pool.map(lambda kind: _list(cluster, kind), own)
        others = pool.map(lambda kind: _list_or_none(cluster, kind), besides)
        found = {kind: items for (kind, _, _), items in zip(own, mine, strict=True)}
        heeded = set(found)
        for (kind, _, _), items in zip(besides, others, strict=True):
            mine_of_it = found.setdefault(kind, [])
            known = {_identity(each) for each in mine_of_it}
            if kind in heeded:  # otherwise nothing of that kind is Calico's
                mine_of_it += [each for each in items if _identity(each) not in known]
    return {kind: tuple(items) for kind, items in found.items()}


def _both(cluster: Cluster, *, native: bool) -> tuple[list[Kind], list[Kind]]:
    """(the kinds in the group that Calico reads, the same kinds in the group that it does not read)."""
    old = _served(cluster, OLD)
    shown_twice = bool(old) and not native and _is_answered_by_a_service(cluster)
    new = [] if shown_twice else _served_or_none(cluster, NATIVE) if old and not native else _served(cluster, NATIVE)
    if native:
        return [*new, *_served(cluster, OPERATOR)], old
    kinds = {kind for kind, _, _ in old}
    more = [each for each in new if each[0] not in kinds]
    return [*old, *more, *_served(cluster, OPERATOR)], [each for each in new if each[0] in kinds]


def _served(cluster: Cluster, group: str) -> list[Kind]:
    return [
        (each["kind"], group, each["name"])
        for each in (cluster.find(_FOLDERS[group]) or {}).get("resources") or []
        if "/" not in each["name"]
        and each["kind"] not in _UNREAD
        and (group != NATIVE or each["name"] in READ_OF_NATIVE)
    ]


def _served_or_none(cluster: Cluster, group: str) -> list[Kind]:
    """The kinds of the group that Calico does not read; none if that group's API server is down."""
    try:
        return _served(cluster, group)
    except ClusterError:
        return []


def _is_answered_by_a_service(cluster: Cluster) -> bool:
    """True if `projectcalico.org` is served by Calico's own API server, as far as the user may look."""
    try:
        found = cluster.find(_API_SERVICE) or {}
    except ClusterError as error:
        if error.status == 403:
            return False
        raise
    return bool((found.get("spec") or {}).get("service"))


def _list(cluster: Cluster, kind: Kind) -> list[Object]:
    folder = _FOLDERS[kind[1]]
    version = {"apiVersion": folder.removeprefix("/apis/")}
    listed = cluster.list(f"{folder}/{kind[2]}")
    if kind[0].endswith("NetworkPolicy"):
        listed = [each for each in listed if not _VIEWS.match(each["metadata"]["name"])]
    return [{**version, **each} for each in listed]


def _list_or_none(cluster: Cluster, kind: Kind) -> Sequence[Object]:
    """The objects of a kind in the group that Calico does not read; none if they cannot be listed."""
    try:
        return _list(cluster, kind)
    except ClusterError:
        return ()


def _identity(item: Object) -> tuple[str, str]:
    metadata = item["metadata"]
    return metadata.get("namespace", ""), metadata["name"].removeprefix(_DEFAULT_TIER)

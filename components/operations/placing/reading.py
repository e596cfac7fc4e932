"""Reads the objects other than nodes that replacements need: each list once, and only if a drained pod needs it."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from typing import TypeVar

from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError, Object
from components.operations.objects.model import Pod
from components.operations.placing.needed_objects import Claim, StorageClass, Supplies, Volume, read_volume_limits
from components.operations.placing.owners import OWNER_LISTS, Owner
from components.operations.placing.quotas import LimitRange, Quota

T = TypeVar("T")
_CORE, _STORAGE = "/api/v1", "/apis/storage.k8s.io/v1"
_DENIED = 403


def read_supplies(cluster: Cluster, pods: Sequence[Pod], *, pool: Executor) -> Supplies:
    """The supplies for these pods; lists denied to the user are `unread`. Raises ClusterError for other errors."""
    coming = [pod for pod in pods if pod.controller and not pod.finished and not pod.controller.is_daemon_set]
    if not coming:
        return Supplies()
    unread: dict[str, str] = {}

    def start(path: str, make: Callable[[Object], T], *, needed: bool) -> Future[list[T] | None] | None:
        return pool.submit(_unless_denied, cluster, path, make, unread) if needed else None

    kinds = {(pod.controller.api_version, pod.controller.kind) for pod in coming if pod.controller}
    mounts = any(pod.demand.claims or pod.demand.fresh_claims for pod in coming)
    claims = start(f"{_CORE}/persistentvolumeclaims", Claim.read, needed=mounts)
    volumes = start(f"{_CORE}/persistentvolumes", Volume.read, needed=mounts)
    classes = start(f"{_STORAGE}/storageclasses", StorageClass.read, needed=mounts)
    limits = start(f"{_STORAGE}/csinodes", read_volume_limits, needed=mounts)
    quotas = start(f"{_CORE}/resourcequotas", Quota.read, needed=True)
    ranges = start(f"{_CORE}/limitranges", LimitRange.read, needed=True)
    owners = {kind[1]: start(OWNER_LISTS[kind], Owner.read, needed=True) for kind in kinds & OWNER_LISTS.keys()}
    listed = {kind: _found(list_) for kind, list_ in owners.items()}
    return Supplies(
        claims=_by(_found(claims), lambda each: (each.namespace, each.name)),
        volumes=_by(_found(volumes), lambda each: each.name),
        classes=_by(_found(classes), lambda each: each.name),
        volume_limits=_by_name(_found(limits)),
        quotas=_as_tuple(_found(quotas)),
        limit_ranges=_as_tuple(_found(ranges)),
        owners={
            kind: {(each.namespace, each.name): each for each in items}
            for kind, items in listed.items()
            if items is not None
        },
        unread=unread,
    )


def _unless_denied(cluster: Cluster, path: str, make: Callable[[Object], T], unread: dict[str, str]) -> list[T] | None:
    try:
        return cluster.read_all(path, make)
    except ClusterError as error:
        if error.status != _DENIED:
            raise
        kind = path.rpartition("/")[2]
        unread[kind] = f"the user may not list {kind}"
        return None


def _found(future: Future[list[T] | None] | None) -> list[T] | None:
    return future.result() if future else None


K = TypeVar("K")


def _by(items: list[T] | None, key: Callable[[T], K]) -> dict[K, T] | None:
    return None if items is None else {key(each): each for each in items}


def _by_name(pairs: list[tuple[str, dict[str, int]]] | None) -> dict[str, dict[str, int]] | None:
    return None if pairs is None else dict(pairs)


def _as_tuple(items: list[T] | None) -> tuple[T, ...] | None:
    return None if items is None else tuple(items)

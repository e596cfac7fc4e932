"""Reads all objects that name addresses beside those of nodes and pods, concurrently."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from components.operations.addresses.cluster_settings import settings
from components.operations.addresses.manual_endpoints import endpoints
from components.operations.addresses.outside_addresses import (
    GROUPS,
    Converter,
    api_servers,
    balancers,
    converters,
    of_volume,
)
from components.operations.addresses.pool_kinds import ListedAddresses, listed
from components.operations.addresses.remote_storage import of_storage_class
from components.operations.addresses.servers import Server
from components.operations.cluster_api.api import PAGE_SIZE, Cluster
from components.operations.cluster_api.denials import unless_denied
from components.operations.cluster_api.errors import Object
from stacks.addresses import ByName, Entry, host_of

T = TypeVar("T")
_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_LARGE_AT_ONCE = 25  # definitions have the schemas of all their versions within them
_VOLUMES, _CLASSES = "/api/v1/persistentvolumes", "/apis/storage.k8s.io/v1/storageclasses"


@dataclass(frozen=True, kw_only=True)
class Outside:
    """Addresses, servers named by host name only, kinds that could not be listed, and conversion webhooks."""

    addresses: tuple[Entry, ...]
    hosts: tuple[ByName, ...]
    unread: tuple[str, ...]
    converters: tuple[tuple[str, str, str], ...]


class OutsideReading:
    """A reading in progress."""

    def __init__(self, cluster: Cluster, pool: Executor) -> None:
        def look(path: str, make: Callable[[Object], T], *, limit: int = PAGE_SIZE) -> Future[list[T]]:
            return pool.submit(unless_denied, lambda: cluster.read_all(path, make, limit=limit), [])

        reading: tuple[Callable[[Cluster], Sequence[Server]], ...] = (balancers, api_servers, endpoints, settings)
        self._host = host_of(cluster.server)
        self._named = [pool.submit(unless_denied, partial(read, cluster), []) for read in reading]
        self._storage = [look(_VOLUMES, of_volume), look(_CLASSES, of_storage_class)]
        self._definitions: Future[list[Converter]] = look(_DEFINITIONS, converters, limit=_LARGE_AT_ONCE)
        self._listed = pool.submit(unless_denied, partial(listed, cluster, known=GROUPS), ListedAddresses())

    def result(self, besides: Iterable[Server]) -> Outside:
        """Everything that was found, together with the servers `besides`."""
        servers = [
            *(each for found in self._named for each in found.result()),
            *besides,
            *(each for kinds in self._storage for found in kinds.result() for each in found),
            *(each for converter in self._definitions.result() for each in converter.servers),
            *self._listed.result().entries,
        ]
        # The kubeconfig's host was resolved already, if it could be; other objects may name it too.
        of_api_servers = [each for found in self._named for each in found.result() if isinstance(each, ByName)]
        found_here = {self._host} - {each.host for each in of_api_servers}
        hosts = dict.fromkeys(each for each in servers if isinstance(each, ByName))
        return Outside(
            addresses=tuple(each for each in servers if isinstance(each, Entry)),
            hosts=tuple(each for each in hosts if each.host not in found_here),
            unread=self._listed.result().unread,
            converters=tuple(each.service for each in self._definitions.result() if each.service),
        )

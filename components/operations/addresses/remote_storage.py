"""Servers of volumes, by what a volume's fields name: an address, or a host name."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from components.operations.addresses.servers import Server, servers
from components.operations.selectors import Object
from stacks.addresses import Kind, Network, is_single, named_in

_REMOTE = ("nfs", "iscsi", "cephfs", "rbd", "glusterfs", "flexVolume", "csi")
# Fields of volumes, and of parameters of CSI drivers, that a server's name stands in.
_SERVER = re.compile(r"server|source|monitors?|(target)?portals?|networkpath|host(name)?", re.IGNORECASE)


def storage_in(volumes: Iterable[Object] | None) -> tuple[Network, ...]:
    """The addresses of servers that volumes are on, a pod's own or the specs of PersistentVolumes."""
    remote = _remote(volumes)
    return tuple(dict.fromkeys(filter(is_single, named_in(remote)))) if remote else ()


def hosts_in(volumes: Iterable[Object] | None) -> tuple[str, ...]:
    """The host names in those fields of volumes that name a server."""
    return tuple(dict.fromkeys(_said(_remote(volumes))))


def of_storage_class(item: Object) -> list[Server]:
    """The storage servers of a StorageClass."""
    return servers_in(item.get("parameters"), f"the storage of StorageClass {item['metadata']['name']}")


def servers_in(settings: Any, user: str) -> list[Server]:
    """The servers that storage settings name."""
    return servers(_said(settings), Kind.STORAGE, user)


def _remote(volumes: Iterable[Object] | None) -> list[Object]:
    return [each[kind] for each in volumes or () for kind in _REMOTE if kind in each]


def _said(value: Any) -> Iterator[str]:
    if isinstance(value, list | tuple):
        for each in value:
            yield from _said(each)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if not _SERVER.fullmatch(key):
                yield from _said(inner)
            else:
                yield from (str(each) for each in (inner if isinstance(inner, list) else [inner]) if _is_host(each))


def _is_host(value: Any) -> bool:
    """True if the text can be a server's name; False for the path of an export or a single word."""
    if not isinstance(value, str) or value.startswith("//"):
        return isinstance(value, str)
    return "." in value and not value.startswith(("/", "."))

"""Servers in the settings of DaemonSets on the host network: etcd, Typha, the API server, routers, Ceph monitors."""

import json
import re
from collections.abc import Iterator
from typing import Any

from components.operations.addresses.remote_storage import servers_in
from components.operations.addresses.servers import Server, servers
from components.operations.snapshot import Snapshot
from components.sources.facts.workload import all_containers, environment, title
from stacks.addresses import ByName, Entry, Kind

# By the name of a variable or an option, in which dashes and underscores are the same.
_SINGLE: tuple[tuple[re.Pattern[str], Kind, str], ...] = (
    (re.compile(r"(.*[-_])?etcd[-_](endpoints?|servers?|authority)", re.IGNORECASE), Kind.SERVER, "etcd"),
    (re.compile(r"(.*[-_])?typha[-_]?addr", re.IGNORECASE), Kind.SERVER, "Typha"),
    (re.compile(r"kubernetes[-_]service[-_]host|master|(kube-)?api-?server", re.IGNORECASE),
     Kind.API_SERVER, "the API server"),
    (re.compile(r"peer-router-ips", re.IGNORECASE), Kind.ROUTER, "a router that BGP is spoken with"),
    (re.compile(r"(service-external-ip-range|loadbalancer-ip-range)", re.IGNORECASE), Kind.BALANCER, "load balancers"),
    (re.compile(r"service-cluster-ip-range", re.IGNORECASE), Kind.SERVICE, "the cluster's Services"),
)  # fmt: skip
_MONITORS = '"monitors"'


def entries(snapshot: Snapshot) -> Iterator[Entry]:
    """Servers named by address."""
    yield from (each for each in _named(snapshot) if isinstance(each, Entry))


def hosts(snapshot: Snapshot) -> Iterator[ByName]:
    """Servers named by host name only."""
    yield from (each for each in _named(snapshot) if isinstance(each, ByName))


def _named(snapshot: Snapshot) -> Iterator[Server]:
    for item in snapshot.daemon_sets:
        where = title(item)
        for container in all_containers(item):
            words = [*(container.get("command") or []), *(container.get("args") or [])]
            for name, value in (*environment(item, container, snapshot).items(), *_options(words)):
                yield from _of_setting(name, value, where)
    for item in snapshot.config_maps:
        where = f"ConfigMap {item['metadata']['namespace']}/{item['metadata']['name']}"
        for text in (item.get("data") or {}).values():
            if _MONITORS in text:
                yield from servers_in(_parsed(text), f"Ceph's monitors ({where})")


def _of_setting(name: str, value: str, where: str) -> Iterator[Server]:
    for pattern, kind, what in _SINGLE:
        if pattern.fullmatch(name):
            yield from servers([value], kind, f"{what} ({where})")
            return


def _options(words: list[str]) -> Iterator[tuple[str, str]]:
    """(name, value) of options, as `--name value` or `--name=value`."""
    for number, word in enumerate(words):
        if word.startswith("-"):
            name, equals, value = word.lstrip("-").partition("=")
            yield name, value if equals else "".join(words[number + 1 : number + 2])


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None

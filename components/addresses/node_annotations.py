"""Addresses that CNIs and distributions write on a Node: the node's own, or those of servers that it uses."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from components.operations.objects.model import Node
from stacks.addresses import Entry, Kind, address_of

# Keys with addresses of servers that a node uses, outside of JSON or within: all other addresses are its own.
_OTHERS = re.compile(r"peer|router|gateway|next-?hop|dns|server", re.IGNORECASE)
_OF_CILIUM = "cilium"
_LIKE_ONE = re.compile(r"\d\.\d+\.\d+\.\d|:[0-9a-fA-F]*:")  # most annotations contain no address


def noted(node: Node) -> Iterator[Entry]:
    """Each address in a label or an annotation that consists of addresses, or is JSON that contains some."""
    for key, value in {**node.labels, **node.annotations}.items():
        if _LIKE_ONE.search(value) and _OF_CILIUM not in key:
            for where, word in _words(key, value):
                kind = Kind.ROUTER if _OTHERS.search(where) else Kind.DEVICE
                address = address_of(word)
                if address is not None and not address.is_loopback:
                    user = f"node {node.name} (annotation {key})"
                    yield Entry(network=address, kind=kind, user=user, owner=node.name)


def _words(key: str, value: str) -> Iterator[tuple[str, str]]:
    """(path of keys within JSON, word)."""
    if not value.lstrip().startswith(("{", "[")):
        yield from ((key, word.strip()) for word in value.split(","))
        return
    try:
        yield from _within(key, json.loads(value))
    except ValueError:
        return


def _within(where: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _within(f"{where} {key}", inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _within(where, inner)

"""Parses networks from text: an address, CIDR notation, a range, with a port, within a URL, or JSON inside a string."""

import ipaddress
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from stacks.addresses.entry import Network, is_single

_WITH_PORT = re.compile(r"^(?:\[(?P<six>[0-9a-fA-F:.]+)\]|(?P<four>\d+(?:\.\d+){3}))(?::\d+|:/.*)?$")
_URL = re.compile(r"^(?:[a-z][a-z0-9+.-]*:)?//(?P<place>[^/?#]+)")
_HOST = re.compile(
    r"^(?:(?:[a-z][a-z0-9+.-]*:)?//)?(?:[^/@]*@)?(?P<host>[A-Za-z0-9_.-]*[A-Za-z][A-Za-z0-9_.-]*)(?::\d+)?(?::?/.*)?$"
)
_WITHIN = re.compile(r"\.svc(\.|$)|\.cluster\.local$|^localhost$|^kubernetes(\.default)?$")
_WORDS = re.compile(r"[^\s,;='\"\[\](){}]+")
_ADDRESS = r"(?:\d+(?:\.\d+){3}|(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F.]*)(?:/\d+)?"
_RANGE = re.compile(rf"(?<![\w:.])(?P<first>{_ADDRESS})\s*(?:-|\.\.)\s*(?P<last>{_ADDRESS})")
_LISTED = re.compile(r"[\s,]+")
_LEADING_ZEROS = re.compile(r"(?<![\d:])0+(?=\d)")
_ENDS = (("start", "stop"), ("start", "end"), ("from", "to"), ("range_start", "range_end"), ("rangeStart", "rangeEnd"))
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")


def networks_of(text: str) -> tuple[Network, ...]:
    """The networks that a text denotes; none for anything else, such as a name."""
    try:
        return (_unmapped(ipaddress.ip_network(text, strict=False)),)  # nearly all are plain
    except ValueError:
        pass
    text = text.strip()
    url = _URL.match(text)
    if url:
        text = url["place"].rpartition("@")[2]
    found = _WITH_PORT.match(text)
    if found:
        text = found["six"] or found["four"]
    ends = _RANGE.fullmatch(text)
    try:
        if ends:
            return _between(ends["first"], ends["last"])
        if text.count(".") == 3:
            text = _LEADING_ZEROS.sub("", text)  # decimal to the API server, as in its first releases
        return (_unmapped(ipaddress.ip_network(text, strict=False)),)
    except ValueError:
        return ()


def address_of(text: str) -> Network | None:
    """The single address that a text denotes, with or without a prefix length; None for a network."""
    found = networks_of(text)
    if len(found) != 1:
        return None
    if is_single(found[0]):
        return found[0]
    alone = networks_of(text.partition("/")[0])
    return alone[0] if alone and alone[0].network_address != found[0].network_address else None


def addresses_in_text(text: str) -> Iterator[Network]:
    """Every single address among the words of a text."""
    for word in _WORDS.findall(text):
        found = address_of(word)
        if found is not None:
            yield found


def host_of(text: str) -> str:
    """The host name in a URL, before a port or an export; empty for an address, and for a name of a Service."""
    found = None if networks_of(text) else _HOST.match(text.strip())
    host = found["host"].rstrip(".") if found else ""
    return "" if _WITHIN.search(host) else host


def named_in(value: Any) -> Iterator[Network]:
    """Every network that an object's fields name, except the whole address space."""
    if isinstance(value, str):
        yield from _in_string(value)
    elif isinstance(value, Mapping):
        for first, last in _ENDS:
            ends = value.get(first), value.get(last)
            if all(isinstance(each, str) and each for each in ends):
                yield from networks_of(f"{ends[0]}-{ends[1]}")
        for each in value.values():
            yield from named_in(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from named_in(each)


def named_in_text(text: str) -> Iterator[Network]:
    """Every network among the words of a text, such as a settings file."""
    for word in _WORDS.findall(_RANGE.sub(r"\g<first>-\g<last>", text)):
        yield from (each for each in networks_of(word) if each.prefixlen)


def _in_string(text: str) -> Iterator[Network]:
    """The networks in a field that holds a network, a list of networks and nothing else, or JSON."""
    text = text.strip()
    if text.startswith(("{", "[")):
        try:
            yield from named_in(json.loads(text))
        except ValueError:
            pass
        else:
            return
    whole = networks_of(text)
    found = [whole] if whole else [networks_of(each) for each in _LISTED.split(_RANGE.sub(r"\g<first>-\g<last>", text))]
    if all(found):
        yield from (each for networks in found for each in networks if each.prefixlen)


def _unmapped(network: Network) -> Network:
    """IPv4-mapped IPv6 as plain IPv4, which is how the API server and every CNI treat it."""
    if isinstance(network, ipaddress.IPv6Network) and network.prefixlen >= _MAPPED.prefixlen:
        inner = network.network_address.ipv4_mapped
        return network if inner is None else ipaddress.IPv4Network((inner, network.prefixlen - _MAPPED.prefixlen))
    return network


def _between(first: str, last: str) -> tuple[Network, ...]:
    """The networks that cover a range. Raises ValueError if the two addresses do not form one."""
    low, high = (ipaddress.ip_address(each.partition("/")[0].strip()) for each in (first, last))
    if isinstance(low, ipaddress.IPv4Address) and isinstance(high, ipaddress.IPv4Address):
        return tuple(ipaddress.summarize_address_range(low, high))
    if isinstance(low, ipaddress.IPv6Address) and isinstance(high, ipaddress.IPv6Address):
        return tuple(ipaddress.summarize_address_range(low, high))
    raise ValueError(f"{first} and {last} are of two families")

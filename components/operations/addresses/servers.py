"""Servers that settings name: by address, or by a host name alone."""

import socket
from collections.abc import Iterable

from stacks.addresses import ByName, Entry, Kind, Network, host_of, networks_of

Server = Entry | ByName


def entries(
    networks: Iterable[Network], kind: Kind, user: str, *, owner: str = "", likely: bool = False
) -> list[Entry]:
    """An entry for each network; loopback addresses are every host's own."""
    distinct = dict.fromkeys(networks)
    return [
        Entry(network=each, kind=kind, user=user, owner=owner, likely=likely)
        for each in distinct
        if not each.is_loopback and int(each.network_address)
    ]


def servers(texts: Iterable[str], kind: Kind, user: str) -> list[Server]:
    """The servers that texts name, as an address, a URL, or a host with a port; commas may be between them."""
    found: list[Server] = []
    for word in dict.fromkeys(word.strip() for text in texts for word in str(text).split(",")):
        found += entries(networks_of(word), kind, user)
        host = host_of(word)
        if host:
            found.append(ByName(host=host, kind=kind, user=user))
    return found


def resolved(host: str) -> list[Network]:
    """The addresses that this machine resolves a host name to; none if it cannot resolve it."""
    try:
        answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return []
    return [network for answer in answers for network in networks_of(str(answer[4][0]))]

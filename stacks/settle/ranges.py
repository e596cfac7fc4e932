"""Free address ranges: the first of a given size that overlaps nothing in use, in a fixed order."""

import ipaddress
from bisect import bisect_right
from collections.abc import Iterable, Iterator

from stacks.addresses import Network

# Private ranges in the order in which they are tried: those that other networks rarely route first, home networks last.
_PARENTS = tuple(map(ipaddress.IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "100.64.0.0/10", "192.168.0.0/16")))
_START = int(ipaddress.IPv4Address("10.245.0.0"))


class InUse:
    """Networks in use, merged, so that a query stays cheap with thousands of them."""

    def __init__(self, networks: Iterable[Network]) -> None:
        self._starts: dict[int, list[int]] = {4: [], 6: []}
        self._ends: dict[int, list[int]] = {4: [], 6: []}
        distinct = set(networks)
        for version in (4, 6):
            spans = sorted(
                (int(each.network_address), int(each.broadcast_address)) for each in distinct if each.version == version
            )
            for first, last in spans:
                if self._ends[version] and first <= self._ends[version][-1]:
                    self._ends[version][-1] = max(last, self._ends[version][-1])
                else:
                    self._starts[version].append(first)
                    self._ends[version].append(last)

    def touches(self, network: Network) -> bool:
        """True if any address of the network is in use."""
        first, last = int(network.network_address), int(network.broadcast_address)
        place = bisect_right(self._starts[network.version], last)
        return place > 0 and self._ends[network.version][place - 1] >= first


def free_v4(prefix: int, used: InUse) -> ipaddress.IPv4Network | None:
    """The first free IPv4 range of that length; None if there is none."""
    return next((each for each in _candidates_v4(prefix) if not used.touches(each)), None)


def free_v6(prefix: int, used: InUse) -> ipaddress.IPv6Network | None:
    """The first free IPv6 range of that length; its digits are those of the IPv4 pool, such as fd00:10:245::."""
    candidates = (ipaddress.IPv6Network((f"fd00:10:{number}::", prefix)) for number in _downwards(245, 255, 0))
    return next((each for each in candidates if not used.touches(each)), None)


def _candidates_v4(prefix: int) -> Iterator[ipaddress.IPv4Network]:
    """Every range of that length: in 10/8 from 10.245 up and then down from there, in the others from the top down."""
    size = 2 ** (32 - prefix)
    for parent in _PARENTS:
        if prefix < parent.prefixlen:
            continue
        first, last = int(parent.network_address) // size, int(parent.broadcast_address) // size
        start = _START // size if first <= _START // size <= last else last
        for number in _downwards(start, last, first):
            yield ipaddress.IPv4Network((number * size, prefix))


def _downwards(start: int, last: int, first: int) -> Iterator[int]:
    yield from range(start, last + 1)
    yield from range(start - 1, first - 1, -1)

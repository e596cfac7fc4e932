"""Index of the register by address: finds the entries that overlap a network without a scan of thousands."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable

from stacks.addresses.entry import Entry, Kind, Network


class Register:
    """The networks in use, in the order in which they were entered."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.entries = tuple(dict.fromkeys(entries))
        self._starts: dict[int, list[int]] = {4: [], 6: []}
        self._sorted: dict[int, list[int]] = {4: [], 6: []}
        self._places: dict[tuple[int, int, int], list[int]] = defaultdict(list)
        self._lengths: dict[int, list[int]] = {4: [], 6: []}
        self._found: dict[Network, tuple[Entry, ...]] = {}  # policies ask for the same networks again and again
        for number, each in enumerate(self.entries):
            network = each.network
            self._sorted[network.version].append(number)
            self._places[network.version, network.prefixlen, int(network.network_address)].append(number)
        for version, numbers in self._sorted.items():
            numbers.sort(key=lambda number: int(self.entries[number].network.network_address))
            self._starts[version] = [int(self.entries[number].network.network_address) for number in numbers]
            self._lengths[version] = sorted({self.entries[number].network.prefixlen for number in numbers})

    def touching(self, network: Network) -> tuple[Entry, ...]:
        """Every entry that shares an address with the network, in the order of the register."""
        if network not in self._found:
            self._found[network] = self._look(network)
        return self._found[network]

    def _look(self, network: Network) -> tuple[Entry, ...]:
        version, first, last = network.version, int(network.network_address), int(network.broadcast_address)
        starts = self._starts[version]
        found = {
            number
            for number in self._sorted[version][bisect_left(starts, first) : bisect_right(starts, last)]
            if self.entries[number].network.prefixlen >= network.prefixlen
        }
        for length in self._lengths[version]:
            if length >= network.prefixlen:
                break
            host = network.max_prefixlen - length
            found.update(self._places.get((version, length, first >> host << host), ()))
        return tuple(self.entries[number] for number in sorted(found))

    def of(self, *kinds: Kind) -> tuple[Entry, ...]:
        """The entries of the given kinds."""
        return tuple(each for each in self.entries if each.kind in kinds)

    def known(self, *, likely: bool) -> list[Network]:
        """The networks that are surely in use, or those that are only likely to be."""
        return [each.network for each in self.entries if each.likely is likely]


NOTHING_KNOWN = Register()

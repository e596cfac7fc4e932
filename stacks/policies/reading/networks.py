"""Sets of addresses as networks with exceptions."""

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from stacks.addresses import Network
from stacks.policies.reasons import InexpressibleError


class Share(Enum):
    """The share of something that lies in a set of addresses."""

    ALL = "all"
    SOME = "some"
    NONE = "none"


def network(text: str) -> Network:
    """A network, or a single address as one. Raises InexpressibleError."""
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise InexpressibleError(f"'{text}' is no network") from error


@dataclass(frozen=True, kw_only=True)
class Block:
    """A network without some parts of it."""

    network: Network
    but: tuple[Network, ...] = ()

    def within(self, other: Network) -> "Block | None":
        """The part that lies in another network; None if it is empty."""
        if not overlap(self.network, other):
            return None
        return block(smaller(self.network, other), self.but)

    @property
    def pieces(self) -> list[Network]:
        """The same addresses as networks without exceptions."""
        return without([self.network], self.but)


ALL_ADDRESSES = (Block(network=network("0.0.0.0/0")), Block(network=network("::/0")))


def overlap(one: Network, two: Network) -> bool:
    """True if an address is in both."""
    return one.version == two.version and one.overlaps(two)


def smaller(one: Network, two: Network) -> Network:
    """The smaller of two networks that overlap."""
    return one if one.prefixlen >= two.prefixlen else two


def block(base: Network, but: Iterable[Network]) -> Block | None:
    """The network minus the exceptions that overlap it; None if nothing is left."""
    inside = sorted(
        {each for each in but if overlap(each, base)}, key=lambda each: (each.prefixlen, int(each.network_address))
    )
    kept: list[Network] = []
    for each in inside:
        if each.prefixlen <= base.prefixlen:
            return None
        if not any(overlap(each, other) for other in kept):
            kept.append(each)
    return Block(network=base, but=tuple(kept)) if without([base], kept) else None


def without(networks: Iterable[Network], cuts: Iterable[Network]) -> list[Network]:
    """Networks minus others."""
    left = list(networks)
    for cut in cuts:
        following: list[Network] = []
        for each in left:
            if not overlap(each, cut):
                following.append(each)
            elif cut.prefixlen > each.prefixlen:
                following.extend(each.address_exclude(cut))  # type: ignore[arg-type]
        left = following
    return left


def cut(blocks: Iterable[Block], away: Sequence[Network]) -> tuple[Block, ...]:
    """Blocks minus networks."""
    found = (block(each.network, (*each.but, *away)) for each in blocks)
    return tuple(each for each in found if each)


def narrowed(blocks: Iterable[Block], to: Sequence[Network]) -> tuple[Block, ...]:
    """The parts of blocks that lie in the networks."""
    found = [each.within(other) for each in blocks for other in to]
    return tuple(dict.fromkeys(each for each in found if each))


def meet(one: Iterable[Block], two: Iterable[Block]) -> bool:
    """True if an address is in both sets."""
    pieces = [piece for each in two for piece in each.pieces]
    return any(overlap(mine, other) for each in one for mine in each.pieces for other in pieces)


def share(of: Iterable[Network], inside: Sequence[Network]) -> Share:
    """The share of some networks that lies in others."""
    whole = list(of)
    left = without(whole, inside)
    if not left and whole:
        return Share.ALL
    return Share.SOME if any(overlap(each, other) for each in whole for other in inside) else Share.NONE

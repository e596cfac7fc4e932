"""The pods in a rule's networks, which Cilium matches by identity, whichever of their addresses is named."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from stacks.addresses import Network
from stacks.policies.cluster_facts import Surroundings
from stacks.policies.model import Peers
from stacks.policies.reading.conditions import EVERYTHING, NOTHING, Condition
from stacks.policies.reading.networks import Share, overlap, share, smaller, without
from stacks.policies.reasons import InexpressibleError, one_family


@dataclass(kw_only=True)
class PodsMeant:
    """The pods' addresses that remain as a rule's networks are applied one after the other.

    `named` are those that a selector matches by address, in addition to pods by labels.
    """

    surroundings: Surroundings
    left: list[Network] = field(init=False)
    named: list[Network] = field(default_factory=list)
    applied: list[Network] = field(default_factory=list)
    narrowed: bool = False
    taken: bool = False

    def __post_init__(self) -> None:
        self.left = list(self.surroundings.pods)

    def besides(self, networks: Sequence[Network]) -> None:
        """Add those in the networks of address sets, whatever their labels."""
        self.named = _within(self.surroundings.pods, networks)
        self.applied += networks

    def within(self, networks: Sequence[Network]) -> None:
        """Keep only those in the networks."""
        self.left = _within(self.left, networks)
        self.applied += networks
        self.narrowed = True

    def without(self, networks: Sequence[Network]) -> None:
        """Remove those in the networks."""
        before, self.left = self.left, without(self.left, networks)
        self.taken = self.taken or self.left != before
        self.applied += networks

    def decide(self, peers: Peers, *, but: Condition = NOTHING) -> Peers:
        """The peers with the pods that are meant, except those of `but` by their labels. Raises InexpressibleError.

        If all their addresses of one family are meant and none of the other, both families are.
        """
        if not self.surroundings.pods:
            return replace(peers, pods=NOTHING) if self.narrowed else peers
        told: tuple[str, ...] = ()
        found, everybody = NOTHING, EVERYTHING & ~but
        for condition, there in ((peers.pods, self.left), (everybody, _within(self.named, self.left))):
            if (condition & ~found).nothing or self._share(there) is Share.NONE:
                continue
            if self._share(there) is Share.SOME:
                told = (self._one_family(there),)
            found |= condition
        return replace(peers, pods=found, told=(*peers.told, *told), wider=peers.wider or bool(told))

    def _share(self, there: Sequence[Network]) -> Share:
        return share(self.surroundings.pods, there)

    def _one_family(self, there: Sequence[Network]) -> str:
        """A note on the one family that is meant. Raises InexpressibleError if it is only part of a family."""
        whole = self.surroundings.pods
        meant = {each.version for each in there}
        for version in meant:
            if without([each for each in whole if each.version == version], there):
                guilty = next((each for each in self.applied if share(whole, [each]) is Share.SOME), self.applied[0])
                raise InexpressibleError(
                    f"{guilty} holds the addresses of some pods, and Cilium tells pods by identity, not by address; "
                    "select them by labels"
                )
        (version,) = meant
        if self.taken:
            raise InexpressibleError(
                f"it leaves out addresses of pods and holds their IPv{version} ones: Cilium tells pods by identity, "
                "which has no family; leave out both families, or neither"
            )
        return one_family("pod", version)


def _within(some: Iterable[Network], networks: Iterable[Network]) -> list[Network]:
    """The parts of networks that lie in other networks."""
    others = list(networks)
    found = [smaller(each, other) for each in some for other in others if overlap(each, other)]
    return list(dict.fromkeys(found))

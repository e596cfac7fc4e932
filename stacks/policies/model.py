"""A policy as both engines could be told it: whom it selects, and rules in order."""

from dataclasses import dataclass
from enum import StrEnum

from stacks.policies.conditions import EVERYTHING, NOTHING, Condition
from stacks.policies.networks import ALL_ADDRESSES, Block, meet

Range = tuple[int, int]
LAST_ORDER = float("inf")


class Action(StrEnum):
    """What a rule does to what it matches."""

    ALLOW = "allow"
    DENY = "deny"


class Direction(StrEnum):
    """Of the traffic, as the pod that is selected sees it."""

    INGRESS = "ingress"
    EGRESS = "egress"


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Traffic of a protocol, or of any; of some ports, by number or by name; or of one ICMP type."""

    protocol: str = ""
    ranges: tuple[Range, ...] = ()
    names: tuple[str, ...] = ()
    icmp_type: int | None = None

    @property
    def every(self) -> bool:
        """Whether it is all of its protocol."""
        return not self.ranges and not self.names and self.icmp_type is None

    def may_meet(self, other: "Ports") -> bool:
        """Whether some traffic is of both, as far as can be told: a name may stand for any number."""
        if "" in (self.protocol, other.protocol):
            return True
        if self.protocol != other.protocol:
            return False
        if self.every or other.every or self.names or other.names:
            return True
        if self.icmp_type is not None or other.icmp_type is not None:
            return self.icmp_type == other.icmp_type
        return any(
            low <= other_high and other_low <= high
            for low, high in self.ranges
            for other_low, other_high in other.ranges
        )


@dataclass(frozen=True, kw_only=True)
class Peers:
    """The other end: pods by their labels, all nodes or none, and addresses that are neither's."""

    pods: Condition = EVERYTHING
    nodes: bool = True
    world: tuple[Block, ...] = ALL_ADDRESSES

    @property
    def everything(self) -> bool:
        """Whether it is whatever there is."""
        return self.pods.everything and self.nodes and self.whole_world

    @property
    def whole_world(self) -> bool:
        """Whether it is every address outside of the cluster."""
        return set(ALL_ADDRESSES) <= set(self.world)

    @property
    def nothing(self) -> bool:
        """Whether it is nobody."""
        return self.pods.nothing and not self.nodes and not self.world

    def may_meet(self, other: "Peers") -> bool:
        """Whether somebody may be in both."""
        return (
            not (self.pods & other.pods).nothing or (self.nodes and other.nodes) or meet(self.world, other.world)
        )  # fmt: skip


NOBODY = Peers(pods=NOTHING, nodes=False, world=())


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule; `place` is where the policy has it, in an operator's words; `by_address` that it names networks."""

    action: Action
    peers: Peers
    ports: Ports
    place: str
    by_address: bool = False

    def may_meet(self, other: "Rule") -> bool:
        """Whether some traffic may match both."""
        return self.ports.may_meet(other.ports) and self.peers.may_meet(other.peers)


@dataclass(frozen=True, kw_only=True)
class Policy:
    """One policy; a direction whose rules are None is not its matter."""

    kind: str
    namespace: str
    name: str
    order: float
    subject: Condition
    ingress: tuple[Rule, ...] | None
    egress: tuple[Rule, ...] | None

    @property
    def title(self) -> str:
        """How an operator calls it."""
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"

    def rules(self, direction: Direction) -> tuple[Rule, ...] | None:
        """Its rules in one direction."""
        return self.ingress if direction is Direction.INGRESS else self.egress

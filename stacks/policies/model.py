"""A policy in a form that suits both engines: its selector, and rules in order."""

from dataclasses import dataclass, field
from enum import StrEnum

from stacks.policies.reading.conditions import EVERYTHING, NOTHING, Condition
from stacks.policies.reading.networks import ALL_ADDRESSES, Block, meet

Range = tuple[int, int]
LAST_ORDER = float("inf")


class Action(StrEnum):
    """The action of a rule on matching traffic."""

    ALLOW = "allow"
    DENY = "deny"


class Direction(StrEnum):
    """The direction of traffic, from the selected pod's point of view."""

    INGRESS = "ingress"
    EGRESS = "egress"


@dataclass(frozen=True, kw_only=True)
class Ports:
    """A set of traffic: a protocol or any, ports by number or name, or one ICMP type."""

    protocol: str = ""
    ranges: tuple[Range, ...] = ()
    names: tuple[str, ...] = ()
    icmp_type: int | None = None

    @property
    def every(self) -> bool:
        """True if it is all traffic of its protocol."""
        return not self.ranges and not self.names and self.icmp_type is None

    def may_meet(self, other: "Ports") -> bool:
        """True if the two sets may overlap; a port name may stand for any number."""
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
    """The peers of a rule: pods by their labels, all nodes or none, and other addresses.

    `entities` are nodes by Cilium's entity names, `told` are notes for the operator on the interpretation; `wider` is
    true if more addresses of nodes are meant than were named.
    """

    pods: Condition = EVERYTHING
    nodes: bool = True
    world: tuple[Block, ...] = ALL_ADDRESSES
    entities: frozenset[str] = frozenset()
    told: tuple[str, ...] = field(default=(), compare=False)
    wider: bool = False

    @property
    def everything(self) -> bool:
        """True if everything is a peer."""
        return self.pods.everything and self.nodes and self.whole_world

    @property
    def whole_world(self) -> bool:
        """True if it includes every address outside the cluster."""
        return set(ALL_ADDRESSES) <= set(self.world)

    @property
    def nothing(self) -> bool:
        """True if nothing is a peer."""
        return self.pods.nothing and not self.nodes and not self.entities and not self.world

    def may_meet(self, other: "Peers") -> bool:
        """True if something may be in both."""
        return (
            not (self.pods & other.pods).nothing
            or bool((self.nodes or self.entities) and (other.nodes or other.entities))
            or meet(self.world, other.world)
        )


NOBODY = Peers(pods=NOTHING, nodes=False, world=())


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule; `place` is its position in the policy, for messages; `by_address` is true if it names networks."""

    action: Action
    peers: Peers
    ports: Ports
    place: str
    by_address: bool = False

    def may_meet(self, other: "Rule") -> bool:
        """True if some traffic may match both."""
        return self.ports.may_meet(other.ports) and self.peers.may_meet(other.peers)


@dataclass(frozen=True, kw_only=True)
class Policy:
    """One policy; it does not apply to a direction whose rules are None."""

    kind: str
    namespace: str
    name: str
    order: float
    subject: Condition
    ingress: tuple[Rule, ...] | None
    egress: tuple[Rule, ...] | None

    @property
    def title(self) -> str:
        """The name by which it is shown."""
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"

    def rules(self, direction: Direction) -> tuple[Rule, ...] | None:
        """Its rules in one direction."""
        return self.ingress if direction is Direction.INGRESS else self.egress

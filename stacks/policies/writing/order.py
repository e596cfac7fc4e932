"""Ordered Calico rules expressed as unordered Cilium rules: which denies can stay, and which are not needed.

In Calico the first rule that matches decides. In Cilium allows add up, and a deny wins over all of them. Both mean the
same as long as no allow comes before a deny that matches some of its traffic.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from stacks.policies.model import Action, Direction, Policy, Rule

Place = tuple[float, int]


@dataclass(frozen=True, kw_only=True)
class Settled:
    """Effects of order on a policy: reasons why its denies cannot be expressed, and the denies that can be left out.

    `mind` has the latter by place, each with a lost policy that may allow later what the deny denies.
    """

    reasons: tuple[str, ...] = ()
    needless: frozenset[str] = field(default_factory=frozenset)
    mind: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Unread:
    """A policy that cannot be expressed, with the traffic that it allows; its owner may rewrite it for Cilium."""

    title: str
    order: float
    allows: frozenset[Direction]


def settle(policies: Sequence[Policy], unread: Sequence[Unread] = ()) -> dict[str, Settled]:
    """The effects on each policy that denies something, by title; policies of equal order have no defined order."""
    found: dict[str, Settled] = {}
    for policy in policies:
        reasons: list[str] = []
        needless: set[str] = set()
        mind: dict[str, str] = {}
        for direction in Direction:
            for number, deny in enumerate(policy.rules(direction) or ()):
                if deny.action is Action.DENY:
                    later = [each for each in unread if each.order >= policy.order and direction in each.allows]
                    _judge(
                        policy, number, deny, policies, direction, later=later, reasons=reasons, needless=needless,
                        mind=mind,
                    )  # fmt: skip
        if reasons or needless:
            found[policy.title] = Settled(reasons=tuple(reasons), needless=frozenset(needless), mind=mind)
    return found


def _judge(
    policy: Policy,
    number: int,
    deny: Rule,
    policies: Sequence[Policy],
    direction: Direction,
    *,
    later: Sequence[Unread],
    reasons: list[str],
    needless: set[str],
    mind: dict[str, str],
) -> None:
    before: list[str] = []
    after = False
    for other, place, allow in _allows(policies, policy, direction):
        if not allow.may_meet(deny):
            continue
        if other is policy:
            is_before, is_after = place < number, place > number
        else:
            is_before, is_after = other.order <= policy.order, other.order >= policy.order
        if is_before:
            before.append(f"{other.title}, {allow.place}")
        after = after or is_after
    if not after:
        # The denied traffic is dropped at the end anyway: the policy selects the pod, and no later rule allows it.
        if later and not before:
            return  # it can stay, and must if a later rule allows the traffic after all
        needless.add(deny.place)
        if later:
            mind[deny.place] = later[0].title
    elif before:
        more = f" and {len(before) - 1} more" if len(before) > 1 else ""
        reasons.append(
            f"{deny.place} denies what is allowed before it by {before[0]}{more}: in Cilium a deny always wins"
        )


def _allows(policies: Sequence[Policy], policy: Policy, direction: Direction) -> Iterator[tuple[Policy, int, Rule]]:
    """The allow rules of policies that may select a pod which this one also selects."""
    for other in policies:
        rules = other.rules(direction)
        if not rules or (policy.subject & other.subject).nothing:
            continue
        for place, rule in enumerate(rules):
            if rule.action is Action.ALLOW:
                yield other, place, rule

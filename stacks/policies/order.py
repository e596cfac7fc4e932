"""Rules in order against rules in a heap: where a Deny of Calico's may stand under Cilium, where it is not needed.

In Calico the first rule that matches decides. In Cilium each Allow adds, and each Deny wins over all of them. Both mean
the same as long as no Allow is read before a Deny that matches some of its traffic.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from stacks.policies.model import Action, Direction, Policy, Rule

Place = tuple[float, int]


@dataclass(frozen=True, kw_only=True)
class Settled:
    """What order makes of a policy: reasons why its denies cannot stand, and the denies that may be left out."""

    reasons: tuple[str, ...] = ()
    needless: frozenset[str] = field(default_factory=frozenset)


def settle(policies: Sequence[Policy]) -> dict[str, Settled]:
    """By title, what becomes of each policy that denies something; policies of one order have no order."""
    found: dict[str, Settled] = {}
    for policy in policies:
        reasons: list[str] = []
        needless: set[str] = set()
        for direction in Direction:
            for number, deny in enumerate(policy.rules(direction) or ()):
                if deny.action is Action.DENY:
                    _judge(policy, number, deny, policies, direction, reasons=reasons, needless=needless)
        if reasons or needless:
            found[policy.title] = Settled(reasons=tuple(reasons), needless=frozenset(needless))
    return found


def _judge(
    policy: Policy,
    number: int,
    deny: Rule,
    policies: Sequence[Policy],
    direction: Direction,
    *,
    reasons: list[str],
    needless: set[str],
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
        # Whatever gets to it is dropped at the end anyway: the policy selects the pod, and nobody allows it later.
        needless.add(deny.place)
    elif before:
        more = f" and {len(before) - 1} more" if len(before) > 1 else ""
        reasons.append(
            f"{deny.place} denies what is allowed before it by {before[0]}{more}: in Cilium a deny always wins"
        )


def _allows(policies: Sequence[Policy], policy: Policy, direction: Direction) -> Iterator[tuple[Policy, int, Rule]]:
    """The Allow rules of policies that may select a pod which this one selects too."""
    for other in policies:
        rules = other.rules(direction)
        if not rules or (policy.subject & other.subject).nothing:
            continue
        for place, rule in enumerate(rules):
            if rule.action is Action.ALLOW:
                yield other, place, rule

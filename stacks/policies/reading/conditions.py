"""Sets of pods described by labels, closed under and, or and not."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

from stacks.policies.identity_labels import NAMESPACE, LabelFilter
from stacks.policies.reasons import InexpressibleError

NAMESPACE_LABEL = "io.cilium.k8s.namespace.labels."
SERVICE_ACCOUNT = "io.cilium.k8s.policy.serviceaccount"
_ALWAYS_THERE = (NAMESPACE, SERVICE_ACCOUNT)
_MOST_ALTERNATIVES = 32


@dataclass(frozen=True, kw_only=True)
class Values:
    """A set of values of a label, None for its absence; `but` makes it the complement."""

    these: frozenset[str | None]
    but: bool = False

    def __contains__(self, value: str | None) -> bool:
        return (value in self.these) is not self.but

    def both(self, other: "Values") -> "Values":
        """The union."""
        if self.but and other.but:
            return Values(these=self.these | other.these, but=True)
        if self.but:
            return Values(these=other.these - self.these)
        return Values(these=self.these - other.these if other.but else self.these & other.these)

    @property
    def inverse(self) -> "Values":
        """The complement."""
        return Values(these=self.these, but=not self.but)

    @property
    def none(self) -> bool:
        """True if the set is empty."""
        return not self.these and not self.but


ANY = Values(these=frozenset(), but=True)
PRESENT = Values(these=frozenset({None}), but=True)


@dataclass(frozen=True)
class Conjunction:
    """A conjunction: each label must have one of its values."""

    of: Mapping[str, Values]

    @cached_property
    def key(self) -> frozenset[tuple[str, Values]]:
        """A key that equal conjunctions share."""
        return frozenset(self.of.items())

    def both(self, other: "Conjunction") -> "Conjunction | None":
        """The intersection; None if it is empty."""
        found = dict(self.of)
        for name, values in other.of.items():
            found[name] = found.get(name, ANY).both(values)
            if found[name].none:
                return None
        return Conjunction(found)

    def holds(self, labels: Mapping[str, str]) -> bool:
        """True if labels, by Cilium's names, match."""
        return all(labels.get(name) in values for name, values in self.of.items())


@dataclass(frozen=True)
class Condition:
    """A disjunction of conjunctions: without any it matches nothing, an empty conjunction matches everything."""

    alternatives: tuple[Conjunction, ...]

    @classmethod
    def on(cls, key: str, values: Values) -> "Condition":
        """The condition on one label."""
        if key in _ALWAYS_THERE:
            values = values.both(PRESENT)
            if values == PRESENT:
                return EVERYTHING
        if values.none:
            return NOTHING
        if not values.but and None in values.these and len(values.these) > 1:
            # One selector cannot say "absent or one of these".
            absent = Values(these=frozenset({None}))
            return Condition((Conjunction({key: absent}), Conjunction({key: values.both(PRESENT)})))
        return Condition((Conjunction({key: values}),))

    @property
    def nothing(self) -> bool:
        """True if no pod can match."""
        return not self.alternatives

    @property
    def everything(self) -> bool:
        """True if every pod matches."""
        return any(not each.of for each in self.alternatives)

    def __and__(self, other: "Condition") -> "Condition":
        pairs = (one.both(two) for one, two in product(self.alternatives, other.alternatives))
        return _of(pair for pair in pairs if pair is not None)

    def __or__(self, other: "Condition") -> "Condition":
        return _of((*self.alternatives, *other.alternatives))

    def __invert__(self) -> "Condition":
        found = EVERYTHING
        for each in self.alternatives:
            inverse = NOTHING
            for key, values in each.of.items():
                inverse |= Condition.on(key, values.inverse)
            found &= inverse
        return found

    def holds(self, labels: Mapping[str, str]) -> bool:
        """True if labels, by Cilium's names, match."""
        return any(each.holds(labels) for each in self.alternatives)

    def selectors(self) -> list[dict[str, Any]]:
        """A Cilium selector for each alternative, each with explicit namespaces."""
        return [_selector(each) for each in self.alternatives]


def _of(alternatives: Iterable[Conjunction]) -> Condition:
    distinct = {each.key: each for each in alternatives}
    if frozenset() in distinct:
        return EVERYTHING
    if len(distinct) > _MOST_ALTERNATIVES:
        raise InexpressibleError(f"its selectors have more than {_MOST_ALTERNATIVES} alternatives when written out")
    return Condition(tuple(distinct.values()))


def by_label(key: str, values: Values, *, among: LabelFilter) -> Condition:
    """The condition on one label. Raises InexpressibleError if identities do not have the label."""
    among.must_take(key)
    return Condition.on(key, values)


EVERYTHING = Condition((Conjunction({}),))
NOTHING = Condition(())


def _selector(conjunction: Conjunction) -> dict[str, Any]:
    labels: dict[str, str] = {}
    expressions: list[dict[str, Any]] = []
    for key, values in sorted(conjunction.of.items()):
        name = f"k8s:{key}"
        listed = sorted(value for value in values.these if value is not None)
        if values.but:
            if None in values.these:
                expressions.append({"key": name, "operator": "Exists"})
            if listed:
                expressions.append({"key": name, "operator": "NotIn", "values": listed})
        elif None in values.these:
            expressions.append({"key": name, "operator": "DoesNotExist"})
        elif len(listed) == 1:
            labels[name] = listed[0]
        else:
            expressions.append({"key": name, "operator": "In", "values": listed})
    if NAMESPACE not in conjunction.of:
        # Explicit even if it means every namespace: otherwise Cilium would add the policy's own.
        expressions.append({"key": f"k8s:{NAMESPACE}", "operator": "Exists"})
    return {
        **({"matchLabels": labels} if labels else {}),
        **({"matchExpressions": expressions} if expressions else {}),
    }

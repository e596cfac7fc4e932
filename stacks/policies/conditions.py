"""Sets of pods as labels describe them, closed under and, or and not; each label that Cilium's identities have."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

from stacks.policies.reasons import InexpressibleError

NAMESPACE = "io.kubernetes.pod.namespace"
NAMESPACE_LABEL = "io.cilium.k8s.namespace.labels."
SERVICE_ACCOUNT = "io.cilium.k8s.policy.serviceaccount"
_ALWAYS_THERE = (NAMESPACE, SERVICE_ACCOUNT)
_MOST_ALTERNATIVES = 32
# What Cilium makes identities of unless its `labels` say otherwise (source: pkg/labelsfilter/filter.go, 1.16 to 1.20).
_KEPT = tuple(
    re.compile(text)
    for text in (
        r"io\.kubernetes\.pod\.namespace", r"io\.cilium\.k8s\.namespace\.labels", r"app\.kubernetes\.io",
        r"io\.cilium\.k8s\.policy\.cluster", r"io\.cilium\.k8s\.policy\.serviceaccount",
    )
)  # fmt: skip
_LEFT_OUT = tuple(
    re.compile(text)
    for text in (
        r"io\.kubernetes", r"kubernetes\.io", r"statefulset\.kubernetes\.io/pod-name",
        r"apps\.kubernetes\.io/pod-index", r"batch\.kubernetes\.io/job-completion-index",
        r"batch\.kubernetes\.io/controller-uid", r".*beta\.kubernetes\.io", r"k8s\.io", r"pod-template-generation",
        r"pod-template-hash", r"controller-revision-hash", r"controller-uid", r"annotation.*", r"etcd_node",
        r"topology\.kubernetes\.io",
    )
)  # fmt: skip


def in_identities(key: str) -> bool:
    """Whether Cilium's identities have this label by default: the longest match decides, as its agent has it."""
    kept = max((found.end() for each in _KEPT if (found := each.match(key))), default=0)
    ignored = min((found.end() for each in _LEFT_OUT if (found := each.match(key))), default=0)
    return ignored == 0 or kept > ignored


@dataclass(frozen=True, kw_only=True)
class Values:
    """The values that a label may have, None for its absence; `but` makes it all values other than these."""

    these: frozenset[str | None]
    but: bool = False

    def __contains__(self, value: str | None) -> bool:
        return (value in self.these) is not self.but

    def both(self, other: "Values") -> "Values":
        """What either allows."""
        if self.but and other.but:
            return Values(these=self.these | other.these, but=True)
        if self.but:
            return Values(these=other.these - self.these)
        return Values(these=self.these - other.these if other.but else self.these & other.these)

    @property
    def inverse(self) -> "Values":
        """What it does not allow."""
        return Values(these=self.these, but=not self.but)

    @property
    def none(self) -> bool:
        """Whether nothing is allowed."""
        return not self.these and not self.but


ANY = Values(these=frozenset(), but=True)
PRESENT = Values(these=frozenset({None}), but=True)


@dataclass(frozen=True)
class Conjunction:
    """Labels that must all have one of their values."""

    of: Mapping[str, Values]

    @cached_property
    def key(self) -> frozenset[tuple[str, Values]]:
        """What makes it the same as another."""
        return frozenset(self.of.items())

    def both(self, other: "Conjunction") -> "Conjunction | None":
        """What fits both; None if nothing can."""
        found = dict(self.of)
        for name, values in other.of.items():
            found[name] = found.get(name, ANY).both(values)
            if found[name].none:
                return None
        return Conjunction(found)

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Whether labels, by Cilium's names, fit."""
        return all(labels.get(name) in values for name, values in self.of.items())


@dataclass(frozen=True)
class Condition:
    """Alternatives of conjunctions: none fits nothing, an empty conjunction everything."""

    alternatives: tuple[Conjunction, ...]

    @classmethod
    def on(cls, key: str, values: Values) -> "Condition":
        """One label's condition."""
        if key in _ALWAYS_THERE:
            values = values.both(PRESENT)
            if values == PRESENT:
                return EVERYTHING
        elif not in_identities(key):
            raise InexpressibleError(
                f"label {key} is not in Cilium's identities unless the Helm value `labels` puts it there"
            )
        if values.none:
            return NOTHING
        if not values.but and None in values.these and len(values.these) > 1:
            # One selector cannot say "absent or one of these".
            absent = Values(these=frozenset({None}))
            return Condition((Conjunction({key: absent}), Conjunction({key: values.both(PRESENT)})))
        return Condition((Conjunction({key: values}),))

    @property
    def nothing(self) -> bool:
        """Whether no pod can fit."""
        return not self.alternatives

    @property
    def everything(self) -> bool:
        """Whether every pod fits."""
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
        """Whether labels, by Cilium's names, fit."""
        return any(each.holds(labels) for each in self.alternatives)

    def selectors(self) -> list[dict[str, Any]]:
        """A Cilium selector for each alternative; each says which namespaces it means."""
        return [_selector(each) for each in self.alternatives]


def _of(alternatives: Iterable[Conjunction]) -> Condition:
    distinct = {each.key: each for each in alternatives}
    if frozenset() in distinct:
        return EVERYTHING
    if len(distinct) > _MOST_ALTERNATIVES:
        raise InexpressibleError(f"its selectors have more than {_MOST_ALTERNATIVES} alternatives when written out")
    return Condition(tuple(distinct.values()))


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
        # Said even where it means every one: Cilium would add the policy's own namespace by itself.
        expressions.append({"key": f"k8s:{NAMESPACE}", "operator": "Exists"})
    return {
        **({"matchLabels": labels} if labels else {}),
        **({"matchExpressions": expressions} if expressions else {}),
    }

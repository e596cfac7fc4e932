"""The peers of a rule, from Calico's selectors and networks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from stacks.addresses import Network
from stacks.policies.cluster_facts import Surroundings
from stacks.policies.identity_labels import NAMESPACE, LabelFilter
from stacks.policies.model import Peers
from stacks.policies.reading.conditions import (
    EVERYTHING,
    NAMESPACE_LABEL,
    NOTHING,
    PRESENT,
    SERVICE_ACCOUNT,
    Condition,
    Values,
    by_label,
)
from stacks.policies.reading.networks import ALL_ADDRESSES, Block, cut, narrowed, network
from stacks.policies.reading.selectors import (
    Compared,
    Every,
    Expression,
    Joined,
    Negated,
    OnlyGlobal,
    SelectorError,
    compared,
    holds,
    parse,
)
from stacks.policies.reasons import InexpressibleError
from stacks.policies.writing.nodes import NodesMeant
from stacks.policies.writing.pods_in_networks import PodsMeant

Object = Mapping[str, Any]
NAMESPACE_PREFIX, ACCOUNT_PREFIX = "pcns.", "pcsa."
IN_NAMESPACE = "projectcalico.org/namespace"
_NAME = "projectcalico.org/name"
_KEYS = {
    IN_NAMESPACE: NAMESPACE,
    "projectcalico.org/serviceaccount": SERVICE_ACCOUNT,
    f"{NAMESPACE_PREFIX}{_NAME}": NAMESPACE,
    f"{NAMESPACE_PREFIX}kubernetes.io/metadata.name": NAMESPACE,
    f"{ACCOUNT_PREFIX}{_NAME}": SERVICE_ACCOUNT,
}
_SAME_ON_ALL_PODS = {"projectcalico.org/orchestrator": "k8s"}


@dataclass(frozen=True, kw_only=True)
class AddressSet:
    """A labelled set of addresses: a network set or a host endpoint; `fault` is the reason if it is not complete."""

    title: str
    labels: Mapping[str, str]
    networks: tuple[Network, ...]
    fault: str = ""


def read(text: str) -> Expression:
    """Parse a selector. Raises InexpressibleError if Calico could not parse it either."""
    try:
        return parse(text)
    except SelectorError as error:
        raise InexpressibleError(str(error)) from error


def of_namespaces(expression: Expression) -> Expression:
    """A namespace selector as a selector of the pods in such namespaces."""
    there = Compared(key=IN_NAMESPACE, operator="has")
    return _prefixed(expression, NAMESPACE_PREFIX, every=there, only_global=Negated(of=there))


def of_accounts(expression: Expression) -> Expression:
    """A service account selector as a selector of the pods that use such accounts."""
    return _prefixed(expression, ACCOUNT_PREFIX, every=Every(), only_global=OnlyGlobal())


def _prefixed(expression: Expression, prefix: str, *, every: Expression, only_global: Expression) -> Expression:
    def inner(each: Expression) -> Expression:
        return _prefixed(each, prefix, every=every, only_global=only_global)

    if isinstance(expression, Joined):
        return replace(expression, parts=tuple(inner(part) for part in expression.parts))
    if isinstance(expression, Negated):
        return Negated(of=inner(expression.of))
    if isinstance(expression, Compared):
        return replace(expression, key=prefix + expression.key)
    return every if isinstance(expression, Every) else only_global


def pods(expression: Expression, *, among: LabelFilter) -> Condition:
    """The pods that a selector matches, by Cilium's labels. Raises InexpressibleError."""
    if isinstance(expression, Joined):
        found = EVERYTHING if expression.every else NOTHING
        for part in expression.parts:
            found = found & pods(part, among=among) if expression.every else found | pods(part, among=among)
        return found
    if isinstance(expression, Negated):
        return ~pods(expression.of, among=among)
    if isinstance(expression, OnlyGlobal):
        raise InexpressibleError("global() outside of a rule's namespaceSelector has no clear meaning")
    return _one(expression, among) if isinstance(expression, Compared) else EVERYTHING


def _one(each: Compared, among: LabelFilter) -> Condition:
    if each.key in _SAME_ON_ALL_PODS:
        return EVERYTHING if compared(each, _SAME_ON_ALL_PODS[each.key]) else NOTHING
    if each.operator in ("contains", "starts with", "ends with"):
        raise InexpressibleError(
            f"`{each.key} {each.operator} '{each.values[0]}'`: Cilium compares whole values; name the values"
        )
    key = _KEYS.get(each.key, "")
    if not key and each.key.startswith(NAMESPACE_PREFIX):
        key = NAMESPACE_LABEL + each.key.removeprefix(NAMESPACE_PREFIX)
    if not key and each.key.startswith(ACCOUNT_PREFIX):
        label = each.key.removeprefix(ACCOUNT_PREFIX)
        raise InexpressibleError(f"label {label} of a service account: Cilium knows accounts by their names; name them")
    named = frozenset[str | None](each.values)
    values = {"has": PRESENT, "!=": Values(these=named, but=True), "not in": Values(these=named, but=True)}
    return by_label(key or each.key, values.get(each.operator, Values(these=named)), among=among)


def positive(entity: Object, *, namespace: str) -> Expression | None:
    """The conjunction of the selectors of one end of a rule; None without any (source: updateprocessors/rules.go)."""
    accounts = entity.get("serviceAccounts") or {}
    parts: list[Expression] = []
    if accounts.get("selector"):
        parts.append(of_accounts(read(accounts["selector"])))
    if accounts.get("names"):
        key = "projectcalico.org/serviceaccount"
        parts.append(Compared(key=key, operator="in", values=tuple(accounts["names"])))
    if entity.get("selector"):
        parts.append(read(entity["selector"]))
    if entity.get("namespaceSelector"):
        parts.append(of_namespaces(read(entity["namespaceSelector"])))
    elif namespace and (parts or entity.get("notSelector")):
        # Any selector, even a negative one, limits a namespaced policy's rule to that namespace.
        parts.append(Compared(key=IN_NAMESPACE, operator="==", values=(namespace,)))
    return Joined(parts=tuple(parts), every=True) if parts else None


class Resolver:
    """Resolves the peers of rules in a given cluster."""

    def __init__(self, surroundings: Surroundings, sets: Sequence[AddressSet]) -> None:
        self.surroundings, self.sets = surroundings, tuple(sets)

    def selected(self, expression: Expression) -> list[AddressSet]:
        """The network sets and host endpoints that a selector matches."""
        return [each for each in self.sets if holds(expression, each.labels)]

    def peers(self, entity: Object, *, namespace: str) -> Peers:
        """The peers that match all of the selectors and networks. Raises InexpressibleError."""
        nodes, addressed = NodesMeant(surroundings=self.surroundings), PodsMeant(surroundings=self.surroundings)
        found = Peers()
        expression = positive(entity, namespace=namespace)
        if expression is not None:
            networks = self._networks(expression)
            found = Peers(
                pods=pods(expression, among=self.surroundings.labels),
                world=tuple(Block(network=each) for each in networks),
            )
            addressed.besides(networks)
            nodes.within(networks)
        if entity.get("nets"):
            nets = [network(each) for each in entity["nets"]]
            found = replace(found, world=narrowed(found.world, nets))
            addressed.within(nets)
            nodes.within(nets)
        away, but = [network(each) for each in entity.get("notNets") or []], NOTHING
        if entity.get("notSelector"):
            negative = read(entity["notSelector"])
            but = pods(negative, among=self.surroundings.labels)
            found = replace(found, pods=found.pods & ~but)
            away += self._networks(negative)
        if away:
            found = replace(found, world=cut(found.world, away))
            addressed.without(away)
            nodes.without(away)
        found = nodes.decide(addressed.decide(found, but=but))
        whole = {each for each in ALL_ADDRESSES if each.network.version in self.surroundings.families}
        return replace(found, world=ALL_ADDRESSES) if whole and whole <= set(found.world) else found

    def _networks(self, expression: Expression) -> list[Network]:
        found = self.selected(expression)
        for each in found:
            if each.fault:
                raise InexpressibleError(f"{each.title} {each.fault}")
        return [each for one in found for each in one.networks]

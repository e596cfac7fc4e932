"""The other end of a rule, from selectors and networks as Calico has them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from stacks.policies.conditions import (
    EVERYTHING,
    NAMESPACE,
    NAMESPACE_LABEL,
    NOTHING,
    PRESENT,
    SERVICE_ACCOUNT,
    Condition,
    Values,
)
from stacks.policies.model import Peers
from stacks.policies.networks import ALL_ADDRESSES, Block, Network, Share, cut, narrowed, network, share
from stacks.policies.reasons import InexpressibleError
from stacks.policies.selectors import (
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
from stacks.policies.surroundings import Surroundings

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
    """Addresses that have labels: a network set, or a host endpoint's."""

    title: str
    labels: Mapping[str, str]
    networks: tuple[Network, ...]


def read(text: str) -> Expression:
    """A selector. Raises InexpressibleError where Calico could not read it either."""
    try:
        return parse(text)
    except SelectorError as error:
        raise InexpressibleError(str(error)) from error


def of_namespaces(expression: Expression) -> Expression:
    """A namespace selector as a selector of what is in such namespaces."""
    there = Compared(key=IN_NAMESPACE, operator="has")
    return _prefixed(expression, NAMESPACE_PREFIX, every=there, only_global=Negated(of=there))


def of_accounts(expression: Expression) -> Expression:
    """A selector of service accounts as one of the pods that have such."""
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


def pods(expression: Expression) -> Condition:
    """The pods that a selector means, by the labels that Cilium has. Raises InexpressibleError."""
    if isinstance(expression, Joined):
        found = EVERYTHING if expression.every else NOTHING
        for part in expression.parts:
            found = found & pods(part) if expression.every else found | pods(part)
        return found
    if isinstance(expression, Negated):
        return ~pods(expression.of)
    if isinstance(expression, OnlyGlobal):
        raise InexpressibleError("global() outside of a rule's namespaceSelector has no clear meaning")
    return _one(expression) if isinstance(expression, Compared) else EVERYTHING


def _one(each: Compared) -> Condition:
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
    return Condition.on(key or each.key, values.get(each.operator, Values(these=named)))


def positive(entity: Object, *, namespace: str) -> Expression | None:
    """What the selectors of a rule's end say together; None if it has none (source: updateprocessors/rules.go)."""
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
        # Any selector, a negative one too, confines a namespaced policy's rule to that namespace.
        parts.append(Compared(key=IN_NAMESPACE, operator="==", values=(namespace,)))
    return Joined(parts=tuple(parts), every=True) if parts else None


class Resolver:
    """Says who a rule's other end is, in a given cluster."""

    def __init__(self, surroundings: Surroundings, sets: Sequence[AddressSet]) -> None:
        self.surroundings, self.sets = surroundings, tuple(sets)

    def selected(self, expression: Expression) -> list[AddressSet]:
        """The network sets and host endpoints that a selector matches."""
        return [each for each in self.sets if holds(expression, each.labels)]

    def peers(self, entity: Object, *, namespace: str) -> Peers:
        """The end that selectors and networks describe together; all of them must fit. Raises InexpressibleError."""
        found = Peers()
        expression = positive(entity, namespace=namespace)
        if expression is not None:
            networks = self._networks(expression)
            chosen = pods(expression)
            found = Peers(
                pods=EVERYTHING if self._pods(networks, matter=True) is Share.ALL else chosen,
                nodes=self._nodes(networks, matter=True) is Share.ALL,
                world=tuple(Block(network=each) for each in networks),
            )
        if entity.get("nets"):
            found = self._within(found, [network(each) for each in entity["nets"]])
        if entity.get("notSelector"):
            negative = read(entity["notSelector"])
            found = replace(found, pods=found.pods & ~pods(negative))
            found = self._without(found, self._networks(negative))
        if entity.get("notNets"):
            found = self._without(found, [network(each) for each in entity["notNets"]])
        whole = {each for each in ALL_ADDRESSES if each.network.version in self.surroundings.families}
        return replace(found, world=ALL_ADDRESSES) if whole and whole <= set(found.world) else found

    def _networks(self, expression: Expression) -> list[Network]:
        return [each for one in self.selected(expression) for each in one.networks]

    def _within(self, found: Peers, networks: Sequence[Network]) -> Peers:
        of_pods = self._pods(networks, matter=not found.pods.nothing)
        of_nodes = self._nodes(networks, matter=found.nodes)
        return Peers(
            pods=found.pods if of_pods is Share.ALL else NOTHING,
            nodes=found.nodes and of_nodes is Share.ALL,
            world=narrowed(found.world, networks),
        )

    def _without(self, found: Peers, networks: Sequence[Network]) -> Peers:
        of_pods = self._pods(networks, matter=not found.pods.nothing)
        of_nodes = self._nodes(networks, matter=found.nodes)
        return Peers(
            pods=NOTHING if of_pods is Share.ALL else found.pods,
            nodes=found.nodes and of_nodes is not Share.ALL,
            world=cut(found.world, networks),
        )

    def _pods(self, networks: Sequence[Network], *, matter: bool) -> Share:
        return _certain(
            "pods", share(self.surroundings.pods, networks), self.surroundings.pods, networks, matter=matter
        )

    def _nodes(self, networks: Sequence[Network], *, matter: bool) -> Share:
        whole = self.surroundings.nodes
        return _certain("nodes", share(whole, networks), whole, networks, matter=matter)


def _certain(who: str, found: Share, whole: Iterable[Network], networks: Sequence[Network], *, matter: bool) -> Share:
    """Refuses networks with the addresses of some pods or nodes where it matters which."""
    if found is Share.SOME and matter:
        of = list(whole)
        guilty = next(each for each in networks if share(of, [each]) is Share.SOME)
        raise InexpressibleError(
            f"{guilty} holds the addresses of some {who}, and Cilium tells {who} by identity, not by address; "
            f"select them by {'labels' if who == 'pods' else 'entities'}"
        )
    return found

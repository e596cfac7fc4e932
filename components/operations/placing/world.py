"""The nodes and who is on them, as a scheduler sees them at one moment; pods can be taken away and put elsewhere."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

from components.operations.model import Node, Pod
from components.operations.node_state import NodeState
from components.operations.placing.amounts import Amounts
from components.operations.placing.index import ByLabel, BySelector
from components.operations.placing.taints import CORDON, Taint
from components.operations.placing.terms import PodTerm
from components.operations.selectors import Object


@dataclass(frozen=True, kw_only=True)
class Offer:
    """One node as it offers itself to pods; `room` is None where its kubelet's figures are not known."""

    name: str
    labels: Mapping[str, str]
    ready: bool = True
    cordoned: bool = False
    taints: tuple[Taint, ...] = ()
    room: Amounts | None = None

    @classmethod
    def of(cls, node: Node, state: NodeState | None) -> "Offer":
        """From what was read of the node."""
        return cls(
            name=node.name,
            labels=node.labels,
            ready=node.ready,
            cordoned=node.unschedulable,
            taints=state.keeps_away if state else (),
            room=state.allocatable if state else None,
        )


@dataclass
class World:
    """All nodes and the pods on them; `moving` are nodes that are cordoned for their turn."""

    offers: Sequence[Offer]
    namespaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    moving: Collection[str] = ()
    _where: dict[str, str] = field(default_factory=dict)
    _pods: dict[str, dict[str, Pod]] = field(default_factory=lambda: defaultdict(dict))
    _used: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))
    _by_label: dict[str, ByLabel[tuple[Pod, str]]] = field(default_factory=lambda: defaultdict(ByLabel))
    _excluding: BySelector[tuple[PodTerm, str]] = field(default_factory=BySelector)

    @classmethod
    def of(cls, offers: Sequence[Offer], pods: Iterable[Pod], namespaces: Mapping[str, Mapping[str, str]]) -> "World":
        """With every pod that is on a node and not over."""
        made = cls(offers=offers, namespaces=namespaces)
        for pod in pods:
            if pod.node and not pod.finished:
                made.put(pod, pod.node)
        return made

    def put(self, pod: Pod, node: str) -> None:
        """The pod is on the node."""
        self._where[pod.uid] = node
        self._pods[node][pod.uid] = pod
        for name, number in pod.demand.amounts.items():
            self._used[node][name] += number
        self._by_label[pod.namespace].put(pod.uid, (pod, node), labels=pod.labels)
        for number, term in enumerate(pod.demand.anti_affinity):
            self._excluding.put(f"{pod.uid} {number}", (term, node), selector=term.selector)

    def take(self, pod: Pod) -> str:
        """It is not anywhere any more; returns where it was."""
        node = self._where.pop(pod.uid, "")
        if node:
            del self._pods[node][pod.uid]
            for name, number in pod.demand.amounts.items():
                self._used[node][name] -= number
            self._by_label[pod.namespace].take(pod.uid, labels=pod.labels)
            for number, term in enumerate(pod.demand.anti_affinity):
                self._excluding.take(f"{pod.uid} {number}", selector=term.selector)
        return node

    @contextmanager
    def without(self, pods: Sequence[Pod]) -> Iterator[None]:
        """As it is for as long as these pods are gone from where they are."""
        away = [(pod, self.take(pod)) for pod in pods]
        try:
            yield
        finally:
            for pod, node in away:
                self.take(pod)
                if node:
                    self.put(pod, node)

    @cached_property
    def labels(self) -> dict[str, Mapping[str, str]]:
        """The labels of each node."""
        return {offer.name: offer.labels for offer in self.offers}

    def on(self, node: str) -> Collection[Pod]:
        """The pods on a node."""
        return self._pods[node].values()

    def used(self, node: str, resource: str) -> int:
        """The amount of a resource that is set aside for the pods there."""
        return self._used[node][resource]

    def meant_by(self, selector: Object | None, namespaces: Iterable[str] | None) -> Iterator[tuple[Pod, str]]:
        """Pods that the selector may mean, with their nodes; no namespaces are all of them."""
        for name in list(self._by_label if namespaces is None else namespaces):
            yield from self._by_label[name].meant_by(selector)

    def excluding(self, pod: Pod) -> Iterator[tuple[PodTerm, str]]:
        """By what the pods that are there may keep this one away, and where each of them is."""
        return self._excluding.may_mean(pod.labels)

    def cordoned(self, offer: Offer) -> bool:
        """True if the node is cordoned, or will be for its turn."""
        return offer.cordoned or offer.name in self.moving

    def taints(self, offer: Offer) -> tuple[Taint, ...]:
        """Its taints, with the one that a cordon makes."""
        others = tuple(taint for taint in offer.taints if taint != CORDON)
        return (*others, CORDON) if self.cordoned(offer) else others

"""A model of nodes and their pods as the scheduler sees them, in which pods can be moved."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

from components.operations.demands.resource_totals import Amounts
from components.operations.demands.taints import CORDON, Taint
from components.operations.demands.terms import PodTerm
from components.operations.objects.model import Node, Pod
from components.operations.objects.node_state import NodeState
from components.operations.placing.pod_index import ByLabel, BySelector
from components.operations.selectors import Object


@dataclass(frozen=True, kw_only=True)
class Offer:
    """One node as the scheduler sees it; `room` is None if its allocatable resources are not known."""

    name: str
    labels: Mapping[str, str]
    ready: bool = True
    cordoned: bool = False
    taints: tuple[Taint, ...] = ()
    room: Amounts | None = None

    @classmethod
    def of(cls, node: Node, state: NodeState | None) -> "Offer":
        """The offer of a node, with its state if that was read."""
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
    """All nodes and their pods; `moving` are nodes cordoned for their turn."""

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
        """A world with every pod that is on a node and not finished."""
        made = cls(offers=offers, namespaces=namespaces)
        for pod in pods:
            if pod.node and not pod.finished:
                made.put(pod, pod.node)
        return made

    def put(self, pod: Pod, node: str) -> None:
        """Put the pod on the node."""
        self._where[pod.uid] = node
        self._pods[node][pod.uid] = pod
        for name, number in pod.demand.amounts.items():
            self._used[node][name] += number
        self._by_label[pod.namespace].put(pod.uid, (pod, node), labels=pod.labels)
        for number, term in enumerate(pod.demand.anti_affinity):
            self._excluding.put(f"{pod.uid} {number}", (term, node), selector=term.selector)

    def take(self, pod: Pod) -> str:
        """Remove the pod; returns its node."""
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
        """Remove these pods for the duration of the context."""
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
        """The amount of a resource that is reserved for the pods there."""
        return self._used[node][resource]

    def meant_by(self, selector: Object | None, namespaces: Iterable[str] | None) -> Iterator[tuple[Pod, str]]:
        """Pods that the selector may match, with their nodes; None as namespaces means all of them."""
        for name in list(self._by_label if namespaces is None else namespaces):
            yield from self._by_label[name].meant_by(selector)

    def excluding(self, pod: Pod) -> Iterator[tuple[PodTerm, str]]:
        """Anti-affinity terms of placed pods that may exclude this pod, with the nodes of those pods."""
        return self._excluding.may_mean(pod.labels)

    def cordoned(self, offer: Offer) -> bool:
        """True if the node is cordoned, or will be for its turn."""
        return offer.cordoned or offer.name in self.moving

    def taints(self, offer: Offer) -> tuple[Taint, ...]:
        """The node's taints, with the one that a cordon adds."""
        others = tuple(taint for taint in offer.taints if taint != CORDON)
        return (*others, CORDON) if self.cordoned(offer) else others

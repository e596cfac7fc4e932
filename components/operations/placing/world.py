"""The nodes and who is on them, as a scheduler sees them at one moment; pods can be taken away and put elsewhere."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from components.operations.model import Node, Pod
from components.operations.node_state import NodeState
from components.operations.placing.amounts import Amounts
from components.operations.placing.taints import CORDON, Taint


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
    _excluding: dict[str, tuple[Pod, str]] = field(default_factory=dict)

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
        if pod.demand.anti_affinity:
            self._excluding[pod.uid] = pod, node

    def take(self, pod: Pod) -> str:
        """It is not anywhere any more; returns where it was."""
        node = self._where.pop(pod.uid, "")
        if node:
            del self._pods[node][pod.uid]
            for name, number in pod.demand.amounts.items():
                self._used[node][name] -= number
            self._excluding.pop(pod.uid, None)
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

    def on(self, node: str) -> Collection[Pod]:
        """The pods on a node."""
        return self._pods[node].values()

    def used(self, node: str, resource: str) -> int:
        """How much of a resource the pods there have set aside."""
        return self._used[node][resource]

    def excluding(self) -> Iterable[tuple[Pod, str]]:
        """Every pod that keeps others away from where it is, with its node."""
        return self._excluding.values()

    def cordoned(self, offer: Offer) -> bool:
        """Whether the node is cordoned, or will be for its turn."""
        return offer.cordoned or offer.name in self.moving

    def taints(self, offer: Offer) -> tuple[Taint, ...]:
        """Its taints, with the one that a cordon makes."""
        others = tuple(taint for taint in offer.taints if taint != CORDON)
        return (*others, CORDON) if self.cordoned(offer) else others

"""A node's turn: its settings, and the recipe of its steps there and back, which a strategy brings as data.

A turn has two halves with the switch between them: the label by which the new network takes the node over. The first
half empties the node, the second moves it; the way back has the same two.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeVar

from components.operations.cluster_api.api import Cluster
from components.operations.objects.model import Pod
from components.operations.progress import Effect, Progress
from components.operations.turn_steps.restart import Restart
from components.pods import OurPods
from stacks.sections.node import DrainSettings


@dataclass(frozen=True, kw_only=True)
class Turn:
    """Everything about one node's turn; times in seconds. `cni_folder` is where the node has its CNI confs.

    `label` is the key of the label that switches the node to Cilium's network.
    """

    node: str
    recipe: "Recipe[Any]"
    cilium_namespace: str
    cilium_network: str
    cni_conf: str
    cni_folder: str
    label: str
    source_title: str
    source_networks: tuple[str, ...]
    drain: DrainSettings
    restart: Restart
    agent_timeout_seconds: float
    verify_timeout_seconds: float
    pods: OurPods
    watched: tuple[str, ...] = ()
    watched_timeout_seconds: float = 300
    hold: bool = False

    def on_cilium(self, pod: Pod) -> bool:
        """True if the pod has an address of Cilium's pool."""
        return pod.address_in(self.cilium_network)

    def not_on_cilium(self, pod: Pod) -> bool:
        """True if the pod has no address of Cilium's pool."""
        return not self.on_cilium(pod)

    def on_source(self, pod: Pod) -> bool:
        """True if the pod has an address of the old network."""
        return any(pod.address_in(network) for network in self.source_networks)


class Half(StrEnum):
    """The side of the switch that a step is on."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(kw_only=True)
class TurnRun:
    """One half of one node's turn as it goes: a strategy adds what its own steps hand on to each other.

    `outputs` become outputs of the stack, by their names there; `last_words` is how the half ends, for its operator.
    `open` closes, when the half is over or broken off, what a step has begun beside the others.
    """

    cluster: Cluster
    turn: Turn
    progress: Progress
    open: ExitStack
    outputs: dict[str, Any] = field(default_factory=dict)
    last_words: str = ""


RunT = TypeVar("RunT", bound=TurnRun)
_Run = TypeVar("_Run", bound=TurnRun, contravariant=True)  # a step of every turn is one of a strategy's turns, too


def _always(_turn: Turn) -> bool:
    return True


@dataclass(frozen=True, kw_only=True)
class Step(Generic[_Run]):
    """One named step: the half that it is in, what it does, and the step of the way back that undoes it.

    Every step may be broken off at any instant and done again: it sees on the cluster what is done. `detail` is told as
    it begins. `effect` is what it does to its node as the record of the turn has it. `applies` is True for turns that
    have it. `undone_by` is empty for what changes nothing.
    """

    name: str
    half: Half
    do: Callable[[_Run], None]
    detail: str | Callable[[Turn], str] = ""
    effect: Effect = ""
    undone_by: str = ""
    applies: Callable[[Turn], bool] = _always

    def told(self, turn: Turn) -> str:
        """The text with which it begins in this turn."""
        return self.detail if isinstance(self.detail, str) else self.detail(turn)


@dataclass(frozen=True, kw_only=True)
class Recipe(Generic[RunT]):
    """The steps there and back, in order, by the strategy whose turns they are.

    `run` is the class of a half as it goes. `may_begin` and `may_return` come before the first step of either way: they
    raise OperationError, or change nothing. `drift` is why a node is no longer as its turn left it; None if it is.
    `outputs` are names and values that the record of a second half has besides those of every turn, where no step says
    otherwise.
    """

    run: type[RunT]
    there: tuple[Step[RunT], ...]
    back: tuple[Step[RunT], ...]
    drift: Callable[[Cluster, Turn], str | None]
    may_begin: Callable[[Cluster, Turn], None]
    may_return: Callable[[Cluster, Turn], None]
    outputs: tuple[tuple[str, Any], ...] = ()

    def steps(self, turn: Turn, *, half: Half, back: bool = False) -> list[Step[RunT]]:
        """The steps of one half of this turn."""
        return [step for step in (self.back if back else self.there) if step.half is half and step.applies(turn)]

    def count(self, turn: Turn, *, back: bool = False) -> int:
        """The number of steps of both halves of this turn."""
        return sum(len(self.steps(turn, half=half, back=back)) for half in Half)

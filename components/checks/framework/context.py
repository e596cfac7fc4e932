"""All that a check may look at: what is wished for, and the cluster as it is."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from components.addresses import register_of
from components.checks.framework.finding import Severity
from components.operations.draining.drain_plan import plan_turn
from components.operations.objects.model import Node
from components.operations.placing.cluster_model import Offer, World
from components.operations.placing.prediction import Outlook, look_ahead
from components.operations.snapshot import Snapshot
from components.operations.turn_annotations import TurnStep, step_of
from components.policies import inventory
from components.settling import settled
from components.sources.description import SourceDescription
from components.strategies.rooms import reached_by
from stacks.addresses import Register
from stacks.config import StackConfig
from stacks.policies import Inventory
from stacks.settle import Cilium
from stacks.strategies import Milestone, Strategy
from stacks.values import migration_values

_BEYOND = (TurnStep.SWITCHING, TurnStep.RETURNING)


@dataclass(frozen=True, kw_only=True)
class StackState:
    """Contents of the stack's state: Helm releases as NAMESPACE/NAME, nodes with a turn, nodes of its waves."""

    releases: frozenset[str] = frozenset()
    turns: frozenset[str] = frozenset()
    waves: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Context:
    """Config, cluster and old CNI, and what follows from the three; `state` is None if nobody asked for it."""

    config: StackConfig
    snapshot: Snapshot
    source: SourceDescription
    state: StackState | None = None

    @cached_property
    def addresses(self) -> Register:
        """Every network in use, with what uses it."""
        return register_of(self.snapshot, self.source)

    @cached_property
    def cilium(self) -> Cilium:
        """The config's settings of Cilium, with what it leaves open settled. Raises SettleError where nothing fits."""
        found = settled(self.config.cilium, snapshot=self.snapshot, source=self.source, addresses=self.addresses)
        return found.model_copy(update={"bridged": self.config.policies.bridge})

    @cached_property
    def policies(self) -> Inventory:
        """Every network policy with its outcome under Cilium."""
        return inventory(self.config, snapshot=self.snapshot, source=self.source, addresses=self.addresses)

    @property
    def strategy(self) -> Strategy:
        """The strategy that the config names."""
        return self.config.chosen_strategy

    @cached_property
    def reached(self) -> Milestone | None:
        """The furthest milestone that the cluster shows signs of; None before any."""
        return reached_by(self.strategy, snapshot=self.snapshot, source=self.source)

    @property
    def phase_reached(self) -> str:
        """The name of the phase that the cluster is in, by what it shows; empty before any."""
        phase = self.strategy.last_at(self.reached) if self.reached else None
        return phase.name if phase else ""

    def phase_at(self, milestone: Milestone) -> str:
        """The name of the first phase of the strategy that brings the cluster to the milestone."""
        return self.strategy.first_at(milestone).name

    def enters(self, milestone: Milestone) -> bool:
        """True if this run would bring the cluster to the milestone for the first time."""
        return self.config.reaches(milestone) and self.ahead(milestone)

    def ahead(self, milestone: Milestone) -> bool:
        """True if the cluster has not come to the milestone yet."""
        return self.reached is None or not self.reached.includes(milestone)

    @cached_property
    def about_to_move(self) -> list[Node]:
        """Nodes whose turn this run would do or complete, in the order of the waves; unknown ones left out."""
        moving = (self.snapshot.node(name) for name in self.config.nodes if name not in self.snapshot.migrated)
        return [node for node in moving if node]

    @cached_property
    def about_to_return(self) -> list[Node]:
        """Nodes that had a turn, or begin one, and that the config no longer names: this run would take them back."""
        if self.config.reaches(Milestone.CILIUM_ALONE):
            return []
        return [node for node in self.snapshot.nodes if step_of(node) and node.name not in self.config.nodes]

    @property
    def looks_anew(self) -> bool:
        """True if this run looks at every node again: what was seen of them before forbids it nothing."""
        return self.config.milestone is Milestone.BEFORE_CILIUM

    @property
    def moves_nodes(self) -> bool:
        """True if the config wants nodes on Cilium's network."""
        return bool(self.config.nodes)

    @cached_property
    def about_to_switch(self) -> list[Node]:
        """Those of them that are on the old network yet: the others are better brought to the end of their turns."""
        return [node for node in self.about_to_move if step_of(node) not in _BEYOND]

    @property
    def once_nodes_move(self) -> Severity:
        """Of what breaks on each node that moves: a warning for as long as none does."""
        return Severity.BLOCKER if self.about_to_switch else Severity.WARNING

    @cached_property
    def waves_about_to_move(self) -> list[list[str]]:
        """Of each wave the nodes that this run would move."""
        moving = {node.name for node in self.about_to_move}
        waves = ([name for name in wave if name in moving] for wave in self.config.waves)
        return [wave for wave in waves if wave]

    @cached_property
    def outlook(self) -> list[Outlook]:
        """Prospects of the pods that the drains of this run evict; in place nothing is cordoned for it."""
        seen, options = self.snapshot, self.config.drain
        offers = [Offer.of(node, seen.node_states.get(node.name)) for node in seen.nodes]
        world = World.of(offers, seen.pods, seen.namespaces)
        drained = {node.name for node in self.about_to_move if step_of(node) in (TurnStep.DRAINED, *_BEYOND)}
        found: list[Outlook] = []
        for wave in self.waves_about_to_move:
            plans = [
                plan_turn(seen.pods_on(name), daemon_sets=seen.daemon_set_names, options=options)
                for name in wave
                if name not in drained
            ]
            pods = [pod for plan in plans for pod in plan.evict if not (pod.finished or pod.terminating_since)]
            found += look_ahead(pods, moving=() if options.in_place else wave, world=world, supplies=seen.supplies)
        return found

    @cached_property
    def values(self) -> dict[str, Any]:
        """Cilium's Helm values while both networks run."""
        return migration_values(self.cilium)

"""All that a check may look at: what is wished for, and the cluster as it is."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from components.checks.finding import Severity
from components.operations.drain_plan import DrainOptions, plan_turn
from components.operations.live_config import manages_every_node
from components.operations.marks import TurnStep, step_of
from components.operations.model import Node
from components.operations.placing.outlook import Outlook, look_ahead
from components.operations.placing.world import Offer, World
from components.operations.snapshot import Snapshot
from components.policies import inventory
from components.settling import settled
from components.sources.description import SourceDescription
from stacks.config import StackConfig
from stacks.phases import Phase
from stacks.policies import Inventory
from stacks.settle import Cilium
from stacks.values import migration_values

_BEYOND = (TurnStep.SWITCHING, TurnStep.RETURNING)


@dataclass(frozen=True, kw_only=True)
class Context:
    """Config, cluster and old CNI, and what follows from the three.

    `releases_in_state` are the Helm releases that the stack's state holds, as NAMESPACE/NAME; None if nobody asked.
    """

    config: StackConfig
    snapshot: Snapshot
    source: SourceDescription
    releases_in_state: frozenset[str] | None = None

    @cached_property
    def cilium(self) -> Cilium:
        """The config's settings of Cilium, with what it leaves open settled. Raises SettleError where nothing fits."""
        found = settled(self.config.cilium, snapshot=self.snapshot, source=self.source)
        return found.model_copy(update={"bridged": self.config.policies.bridge})

    @cached_property
    def policies(self) -> Inventory:
        """What becomes of each network policy."""
        return inventory(self.config, snapshot=self.snapshot, source=self.source)

    @cached_property
    def reached(self) -> Phase | None:
        """The furthest phase that the cluster shows signs of; None before any."""
        live = self.snapshot.cilium_config
        if live is None:
            return Phase.PREFLIGHT if self.snapshot.record is not None else None
        if manages_every_node(live):
            there = self.source.is_running(self.snapshot.daemon_set_names)
            return Phase.FINALIZE if there else Phase.CLEANUP
        return Phase.MIGRATE if self.snapshot.migrated else Phase.SECONDARY

    def enters(self, phase: Phase) -> bool:
        """Whether this run would take the cluster into `phase` for the first time."""
        return self.config.phase.includes(phase) and self.ahead(phase)

    def ahead(self, phase: Phase) -> bool:
        """Whether the cluster has not come to `phase` yet."""
        return self.reached is None or not self.reached.includes(phase)

    @cached_property
    def about_to_move(self) -> list[Node]:
        """Nodes whose turn this run would do or complete, in the order of the waves; unknown ones left out."""
        moving = (self.snapshot.node(name) for name in self.config.nodes if name not in self.snapshot.migrated)
        return [node for node in moving if node]

    @property
    def moves_nodes(self) -> bool:
        """Whether the config wants nodes on Cilium's network."""
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
        seen, options = self.snapshot, DrainOptions(**self.config.drain.model_dump())
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

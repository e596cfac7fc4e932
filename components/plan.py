"""The plan of a run: config typed, cluster read once, all checks asked, and what is told before anything changes."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from components import timings
from components.checks import (
    CATALOGUE,
    Context,
    Finding,
    Severity,
    StackState,
    refusals,
    run_checks,
    unfit_acknowledgements,
)
from components.operations.cluster_api.api import connect
from components.operations.cluster_api.errors import ClusterError
from components.operations.draining.drain_plan import budget_findings, budgets_near, plan_turn
from components.operations.dry_run import Trial
from components.operations.focus import Focus
from components.operations.gates.web import unusable
from components.operations.rights.chart_rights import chart_rights
from components.operations.snapshot import Snapshot
from components.operator_lines import Level, Line
from components.plurals import many
from components.pods import OurPods
from components.policies import kept
from components.sources import SOURCES, SourceDescription, SourceError, describe
from components.sources.observing import observe
from stacks.config import ConfigError, StackConfig, parse_config
from stacks.policies import Inventory
from stacks.settle import Cilium, SettleError
from stacks.strategies import Milestone

_LEVELS = {Severity.WARNING: Level.WARNING, Severity.NOTE: Level.NOTE}


class PlanError(Exception):
    """A refusal of the config before any change; the text has one line for each reason."""


@dataclass(frozen=True, kw_only=True)
class MigrationPlan:
    """Everything that the phases' components need, decided."""

    context: Context
    findings: tuple[Finding, ...]
    secret: Collection[str] = ()  # the config's keys with a secret in them

    @property
    def config(self) -> StackConfig:
        """The stack's config."""
        return self.context.config

    @property
    def source(self) -> SourceDescription:
        """The old CNI."""
        return self.context.source

    @property
    def snapshot(self) -> Snapshot:
        """The cluster as it was read."""
        return self.context.snapshot

    @property
    def cilium(self) -> Cilium:
        """Cilium's settings with nothing left open."""
        return self.context.cilium

    @property
    def inventory(self) -> Inventory:
        """Every network policy with its outcome under Cilium."""
        return self.context.policies

    @cached_property
    def policies(self) -> list[Mapping[str, Any]]:
        """The policy objects that this run keeps on the cluster."""
        context = self.context
        gone = context.reached is Milestone.OLD_NETWORK_GONE
        return kept(self.config, context.policies, snapshot=self.snapshot, gone=gone)

    @property
    def nodes(self) -> list[str]:
        """Every node of the cluster, by name."""
        return sorted(self.snapshot.node_names)

    @property
    def nodes_to_look_at(self) -> list[str]:
        """Ready Linux nodes, and those looked at before: a node that is NotReady for now is no other node."""
        known = self.snapshot.facts
        return sorted(
            node.name for node in self.snapshot.nodes if node.runs_linux and (node.ready or node.name in known)
        )

    @property
    def nodes_to_do(self) -> list[str]:
        """Nodes that are in no wave yet."""
        return sorted(self.snapshot.linux_names - set(self.config.nodes))

    def lines(self, *, at_once: int) -> list[Line]:
        """The plan as lines: findings, the new network, and each node that this run moves or takes back.

        `at_once` is the number of resources that the engine works on at the same time.
        """
        context = self.context
        lines = [
            Line(_LEVELS[each.severity], each.line) for each in self.findings if each.severity is not Severity.BLOCKER
        ]
        if context.enters(Milestone.BOTH_NETWORKS):
            lines.append(Line(Level.INFO, self._network_line()))
        moving = {node.name for node in context.about_to_move}
        widest = max((len(moving.intersection(wave)) for wave in self.config.waves), default=0)
        if widest > at_once:
            text = (
                f"[wave-width] a wave has {widest} nodes to move, this run works on {at_once} resources at a time: "
                f"they will not all move side by side; `pulumi up --parallel {widest}`"
            )
            lines.append(Line(Level.WARNING, text))
        options = self.config.drain
        for node in context.about_to_move:
            pods = self.snapshot.pods_on(node.name)
            drain = plan_turn(pods, daemon_sets=self.snapshot.daemon_set_names, options=options)
            recycled = [pod for pod, _ in drain.leave if pod.on_pod_network and not pod.mirror]
            how = "evicted one by one, to come back there" if options.in_place else "evicted"
            _, slow = budget_findings(drain, budgets_near(drain, self.snapshot.budgets))
            text = (
                f"{node.name} moves to Cilium: {many(len(drain.evict), 'pod')} {how} ({drain.by_workload()}), "
                f"{many(len(recycled), 'DaemonSet pod')} renewed by {self.config.restart.method}"
                + (f"; {many(len(slow), 'budget')} without headroom" if slow else "")
            )
            lines.append(Line(Level.INFO, text))
        leaving = sorted(self.snapshot.migrated - set(self.config.nodes))
        return [*lines, *(Line(Level.INFO, f"{name} goes back to {self.source.title}") for name in leaving)]

    def _network_line(self) -> str:
        """One line about the network that this run creates; `python -m scripts.plan` has the reasons."""
        cilium = self.cilium
        pools = " and ".join(cilium.pools)
        packets = (
            f"packets of up to {cilium.pods_mtu} bytes" if cilium.pods_mtu else "packet size by each node's device"
        )
        return (
            f"Cilium {cilium.version} comes beside {self.source.title}: pool {pools} in blocks of "
            f"/{cilium.node_mask_size}, {cilium.tunnel_protocol} on UDP {cilium.tunnel_port}, {packets}; "
            "`.venv/bin/python -m scripts.plan` says why"
        )


def examine(
    raw_config: Mapping[str, Any],
    *,
    kubeconfig: str = "",
    context: str = "",
    secret: Collection[str] = (),
    read_state: Callable[[], StackState] | None = None,
) -> MigrationPlan:
    """Read config and cluster and check both, whatever is found. Changes nothing; raises PlanError if it can't.

    No error shows a value of the `secret` keys. `read_state` reads the stack's state, where there is one; it is asked
    only if there is a release or a turn to know.
    """
    try:
        config = parse_config(raw_config, secret=secret, source_kinds=SOURCES)
        unfit = unfit_acknowledgements(CATALOGUE, list(config.acknowledge))
        unfit += [f"config {fault}" for source in config.gates.sources if (fault := unusable(source))]
        if unfit:
            raise ConfigError("\n".join(unfit))
        with timings.timed("reading", "cluster"):
            snapshot = observe(
                connect(kubeconfig=kubeconfig, context=context),
                cilium_namespace=config.cilium.namespace,
                focus=Focus(
                    required=config.preflight.named,
                    removals=config.cleanup.objects,
                    cleanup=config.reaches(Milestone.OLD_NETWORK_GONE),
                    secrets_namespace=config.cilium.secrets_namespace,
                    trial=Trial(pods=OurPods.of(config), nodes=config.nodes[::-1]),
                    moving=config.nodes,
                    ipsec_secret=config.cilium.keys_needed,
                    policies_beside=config.policies.beside_the_old,
                    chart=chart_rights(config.cilium.values, config.cilium.final_values),
                ),
            )
        source = describe(snapshot, config.source)
        asked = read_state and (snapshot.release or snapshot.begun)
        state = read_state() if read_state and asked else None
        seen = Context(config=config, snapshot=snapshot, source=source, state=state)
        seen.cilium  # noqa: B018 - settled before any check asks, so that what cannot be is one line
    except (ConfigError, ClusterError, SourceError, SettleError) as error:
        raise PlanError(str(error)) from error
    with timings.timed("checks", "all"):
        return MigrationPlan(context=seen, findings=tuple(run_checks(CATALOGUE, seen)), secret=secret)


def make_plan(
    raw_config: Mapping[str, Any],
    *,
    kubeconfig: str = "",
    context: str = "",
    secret: Collection[str] = (),
    read_state: Callable[[], StackState] | None = None,
) -> MigrationPlan:
    """Read config and cluster, check both, and decide. Changes nothing; raises PlanError for whatever can't work."""
    plan = examine(raw_config, kubeconfig=kubeconfig, context=context, secret=secret, read_state=read_state)
    refused = refusals(plan.findings)
    if refused:
        raise PlanError("refused, nothing was changed:\n" + "\n".join(f"  {line}" for line in refused))
    return plan

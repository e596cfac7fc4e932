"""The gates between phases: one starts only when the one before is complete on the cluster, not only in state."""

from collections.abc import Iterator

from components.checks.framework.check import check
from components.checks.framework.context import Context
from components.checks.framework.finding import Found, Severity
from components.names import NAMESPACE
from components.operations.lease import LEASE_SECONDS, NAME
from stacks.strategies import Milestone
from stacks.values import final_values, live_settings, migration_values, settings_faults

_AT_MOST = 5


@check(
    id="secondary-complete",
    title="Cilium runs beside the old CNI",
    severity=Severity.BLOCKER,
    guards=Milestone.NODES_MOVE,
    why=(
        "a node that moves to a network that is not there, or has other settings than the method's, loses its pods' "
        "traffic (Cilium's page on migrating a cluster)"
    ),
    remedy="run `pulumi up` without new nodes in `waves` first",
    gate=True,
)
def secondary_complete(context: Context) -> Iterator[Found]:
    """Nodes move only when Cilium runs beside the old CNI with the migration's settings."""
    snapshot, wants = context.snapshot, context.moves_nodes or context.config.reaches(Milestone.CILIUM_ALONE)
    if not wants:
        return
    if snapshot.cilium_config is None:
        yield Found(
            evidence=f"phase '{context.config.phase}' moves nodes, but Cilium is not installed yet",
            remedy=f"first `pulumi config set phase {context.phase_at(Milestone.BOTH_NETWORKS)}` and "
            "`pulumi config set waves '[]'`, then `pulumi up`",
        )
        return
    if context.about_to_move and context.reached in (Milestone.BOTH_NETWORKS, Milestone.NODES_MOVE):
        for line in settings_faults(snapshot.cilium_config, live_settings(migration_values(context.cilium))):
            yield Found(
                evidence=f"ConfigMap cilium-config: {line}",
                remedy="run `pulumi up` without the new nodes in `waves` first, so that Cilium gets its values",
            )
        if snapshot.node_configs == 0:
            yield Found(
                evidence="there is no CiliumNodeConfig, so no agent would take over a node",
                remedy="run `pulumi up` without the new nodes in `waves` first",
            )


@check(
    id="all-nodes-migrated",
    title="Every node had its turn",
    severity=Severity.BLOCKER,
    guards=Milestone.CILIUM_ALONE,
    why="once Cilium is alone it takes every node's CNI conf at once, and what still has an old address is cut off",
    remedy="put the nodes that are left into `waves`, in the phase in which nodes move",
    gate=True,
)
def all_nodes_migrated(context: Context) -> Iterator[Found]:
    """Cilium alone: every node must have had its turn, and no pod may hold an address of the old network."""
    if not context.enters(Milestone.CILIUM_ALONE) or context.snapshot.cilium_config is None:
        return
    every = context.snapshot.linux_names
    left = sorted(every - context.snapshot.migrated)
    if left:
        done = len(context.snapshot.migrated)
        yield Found(
            evidence=f"phase '{context.config.phase}' needs every node on Cilium, but {done} of "
            f"{len(every)} are: {', '.join(left[:_AT_MOST])}{' …' if len(left) > _AT_MOST else ''} "
            f"{'is' if len(left) == 1 else 'are'} not",
            remedy=f"put {'it' if len(left) == 1 else 'them'} into `waves` with phase "
            f"'{context.phase_at(Milestone.NODES_MOVE)}' and run `pulumi up`",
        )
        return
    old = [
        pod
        for pod in context.snapshot.pods
        if pod.on_pod_network and any(pod.address_in(network) for network in context.source.pod_networks)
    ]
    if old:
        names = ", ".join(f"{pod.title} ({pod.address})" for pod in old[:_AT_MOST])
        yield Found(
            evidence=f"{len(old)} pods still have addresses of {context.source.title}: {names}",
            remedy="delete them, so that they come back on Cilium's network",
        )


@check(
    id="finalize-complete",
    title="Cilium is alone",
    severity=Severity.BLOCKER,
    guards=Milestone.OLD_NETWORK_GONE,
    why="the old CNI goes for good: what still relies on it then has no network",
    remedy="run `pulumi up` with the phase before first",
    gate=True,
)
def finalize_complete(context: Context) -> Iterator[Found]:
    """The old CNI goes only when Cilium runs with its final settings."""
    if not context.enters(Milestone.OLD_NETWORK_GONE) or context.snapshot.cilium_config is None:
        return
    alone = context.phase_at(Milestone.CILIUM_ALONE)
    if context.reached is not Milestone.CILIUM_ALONE:
        yield Found(
            evidence=f"phase '{context.config.phase}' needs phase '{alone}' to be complete, and it is not",
            remedy=f"`pulumi config set phase {alone}` and `pulumi up` first",
        )
        return
    wanted = live_settings(final_values(context.cilium))
    for line in settings_faults(context.snapshot.cilium_config, wanted):
        yield Found(evidence=f"ConfigMap cilium-config: {line}", remedy=f"run `pulumi up` with phase '{alone}' first")
    if context.snapshot.node_configs:
        yield Found(
            evidence=f"{context.snapshot.node_configs} CiliumNodeConfig still there",
            remedy=f"run `pulumi up` with phase '{alone}' first, or delete those that are not ours",
        )


@check(
    id="cleanup-consent",
    title="Consent to the removal",
    severity=Severity.BLOCKER,
    guards=Milestone.OLD_NETWORK_GONE,
    why="this is the point of no return",
    remedy="name the CNI that may go in cleanup.consent",
    gate=True,
)
def cleanup_consent(context: Context) -> Iterator[Found]:
    """Past the point of no return only with the user's word."""
    source = context.source.kind
    if context.config.reaches(Milestone.OLD_NETWORK_GONE) and context.config.cleanup.consent != source:
        yield Found(
            evidence=f"phase '{context.config.phase}' removes {context.source.title} for good; there is no way back "
            "after it",
            remedy=f"say so: `pulumi config set --path cleanup.consent {source}`",
        )


@check(
    id="no-way-back",
    title="Going back is possible",
    severity=Severity.BLOCKER,
    guards=Milestone.CILIUM_ALONE,
    why="a node goes back only while both networks run",
    remedy="set `phase` back to the one in which nodes move; once the old CNI is removed there is no way back",
    gate=True,
)
def no_way_back_from_here(context: Context) -> Iterator[Found]:
    """Nodes go back one by one only while both networks run."""
    if context.reached is None or not context.reached.includes(Milestone.CILIUM_ALONE):
        return
    if context.reached is Milestone.OLD_NETWORK_GONE and not context.config.reaches(Milestone.OLD_NETWORK_GONE):
        yield Found(
            evidence=f"{context.source.title} is gone from the cluster, so phase '{context.config.phase}' cannot be "
            "gone back to",
            remedy=f"`pulumi config set phase {context.phase_at(Milestone.OLD_NETWORK_GONE)}`",
        )
        return
    leaving = sorted(context.snapshot.migrated - set(context.config.nodes))
    if leaving and context.config.reaches(Milestone.CILIUM_ALONE):
        yield Found(
            evidence=f"{', '.join(leaving)} left `waves`, but in phase '{context.config.phase}' Cilium is alone",
            remedy="put them back; or go back with `pulumi config set phase "
            f"{context.phase_at(Milestone.NODES_MOVE)}` and `pulumi up` first",
        )


@check(
    id="foreign-cilium",
    title="No other Cilium",
    severity=Severity.BLOCKER,
    guards=Milestone.BEFORE_CILIUM,
    why=(
        "a Cilium that this program did not install has settings and pods of its own, which the migration would "
        "overwrite"
    ),
    remedy="remove it, or point the program at the right cluster",
    gate=True,
)
def foreign_cilium(context: Context) -> Iterator[Found]:
    """A Cilium that is not ours is left alone."""
    if context.snapshot.cilium_config is not None and context.snapshot.record is None:
        yield Found(evidence="the cluster has a Cilium (ConfigMap cilium-config) that this program did not install")


@check(
    id="strategy-kept",
    title="The strategy is the one that the migration began with",
    severity=Severity.BLOCKER,
    guards=Milestone.BOTH_NETWORKS,
    why="each strategy has Cilium settings and marks on nodes of its own, and another one does not know how to go on",
    remedy="name the strategy that the migration began with, or take it back first",
    gate=True,
)
def strategy_kept(context: Context) -> Iterator[Found]:
    """The strategy is chosen before Cilium is there, and stays until the migration is over or taken back."""
    begun = context.snapshot.strategy
    if context.snapshot.cilium_config is not None and begun and begun != context.config.strategy:
        yield Found(
            evidence=f"this migration began with strategy '{begun}', config says '{context.config.strategy}'",
            remedy=f"`pulumi config set strategy {begun}`",
        )


@check(
    id="one-run",
    title="No other run at work",
    severity=Severity.BLOCKER,
    guards=Milestone.BEFORE_CILIUM,
    why="two runs would drain nodes at the same time, each of them counting on the other's (docs/decisions/0007)",
    remedy="wait for the other run to end",
    gate=True,
)
def one_run_at_a_time(context: Context) -> Iterator[Found]:
    """Two operators do not move nodes of one cluster at the same time."""
    if context.snapshot.other_run:
        yield Found(
            evidence=f"another run works on this cluster: {context.snapshot.other_run}",
            remedy=f"wait for it to end; the hold of a dead run ends by itself after {LEASE_SECONDS} s; if there is no "
            f"such run and this stays, `kubectl -n {NAMESPACE} delete lease {NAME}`",
        )


@check(
    id="new-nodes",
    title="Nodes outside the waves",
    severity=Severity.NOTE,
    guards=Milestone.NODES_MOVE,
    why="nodes that joined midway are easily forgotten, and the step to Cilium alone waits for every node",
    remedy="put them into `waves` when it is their turn",
)
def new_nodes(context: Context) -> Iterator[Found]:
    """Nodes that joined midway are said aloud."""
    if context.moves_nodes and not context.config.reaches(Milestone.CILIUM_ALONE):
        every = context.snapshot.linux_names
        left = sorted(every - set(context.config.nodes))
        if left:
            yield Found(
                evidence=f"{len(left)} of {len(every)} nodes are in no wave: "
                f"{', '.join(left[:_AT_MOST])}{' …' if len(left) > _AT_MOST else ''}",
                remedy="they stay on the old network for now",
            )

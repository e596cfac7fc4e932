"""The gates between phases: one starts only when the one before is complete on the cluster, not only in state."""

from collections.abc import Iterator

from components.checks.finding import Context, Finding, Severity
from components.operations.lease import SECONDS as LEASE_SECONDS
from stacks.phases import Phase
from stacks.values import final_values, live_settings, migration_values, settings_faults

_AT_MOST = 5


def secondary_complete(context: Context) -> Iterator[Finding]:
    """Nodes move only when Cilium runs beside the old CNI with the migration's settings."""
    snapshot, wants = context.snapshot, context.moves_nodes or context.config.phase.includes(Phase.FINALIZE)
    if not wants:
        return
    if snapshot.cilium_config is None:
        yield Finding(
            evidence=f"phase '{context.config.phase}' moves nodes, but Cilium is not installed yet",
            remedy="first `pulumi config set phase secondary` with no waves, then `pulumi up`",
        )
        return
    if context.about_to_move and context.reached in (Phase.SECONDARY, Phase.MIGRATE):
        for line in settings_faults(snapshot.cilium_config, live_settings(migration_values(context.config.cilium))):
            yield Finding(
                evidence=f"ConfigMap cilium-config: {line}",
                remedy="run `pulumi up` without the new nodes in `waves` first, so that Cilium gets its values",
            )
        if snapshot.node_configs == 0:
            yield Finding(
                evidence="there is no CiliumNodeConfig, so no agent would take over a node",
                remedy="run `pulumi up` without the new nodes in `waves` first",
            )


def all_nodes_migrated(context: Context) -> Iterator[Finding]:
    """Cilium alone: every node must have had its turn, and no pod may hold an address of the old network."""
    if not context.enters(Phase.FINALIZE) or context.snapshot.cilium_config is None:
        return
    left = sorted(context.snapshot.node_names - context.snapshot.migrated)
    if left:
        done = len(context.snapshot.migrated)
        yield Finding(
            evidence=f"phase '{context.config.phase}' needs every node on Cilium, but {done} of "
            f"{len(context.snapshot.nodes)} are: {', '.join(left[:_AT_MOST])}{' …' if len(left) > _AT_MOST else ''} "
            f"{'is' if len(left) == 1 else 'are'} not",
            remedy=f"put {'it' if len(left) == 1 else 'them'} into `waves` with phase 'migrate' and run `pulumi up`",
        )
        return
    old = [
        pod
        for pod in context.snapshot.pods
        if pod.on_pod_network and any(pod.address_in(network) for network in context.source.pod_networks)
    ]
    if old:
        names = ", ".join(f"{pod.title} ({pod.address})" for pod in old[:_AT_MOST])
        yield Finding(
            evidence=f"{len(old)} pods still have addresses of {context.source.title}: {names}",
            remedy="delete them, so that they come back on Cilium's network",
        )


def finalize_complete(context: Context) -> Iterator[Finding]:
    """The old CNI goes only when Cilium runs with its final settings."""
    if not context.enters(Phase.CLEANUP) or context.snapshot.cilium_config is None:
        return
    if context.reached is not Phase.FINALIZE:
        yield Finding(
            evidence="phase 'cleanup' needs phase 'finalize' to be complete, and it is not",
            remedy="`pulumi config set phase finalize` and `pulumi up` first",
        )
        return
    wanted = live_settings(final_values(context.config.cilium))
    for line in settings_faults(context.snapshot.cilium_config, wanted):
        yield Finding(evidence=f"ConfigMap cilium-config: {line}", remedy="run `pulumi up` with phase 'finalize' first")
    if context.snapshot.node_configs:
        yield Finding(
            evidence=f"{context.snapshot.node_configs} CiliumNodeConfig still there",
            remedy="run `pulumi up` with phase 'finalize' first, or delete those that are not ours",
        )


def cleanup_consent(context: Context) -> Iterator[Finding]:
    """Past the point of no return only with the user's word."""
    source = context.source.kind
    if context.config.phase.includes(Phase.CLEANUP) and context.config.cleanup.consent != source:
        yield Finding(
            evidence=f"phase 'cleanup' removes {context.source.title} for good; there is no way back after it",
            remedy=f"say so: `pulumi config set --path cleanup.consent {source}`",
        )


def no_way_back_from_here(context: Context) -> Iterator[Finding]:
    """Nodes go back one by one only while both networks run."""
    if context.reached is None or not context.reached.includes(Phase.FINALIZE):
        return
    if context.reached is Phase.CLEANUP and not context.config.phase.includes(Phase.CLEANUP):
        yield Finding(
            evidence=f"{context.source.title} is gone from the cluster, so phase '{context.config.phase}' cannot be "
            "gone back to",
            remedy="`pulumi config set phase cleanup`",
        )
        return
    leaving = sorted(context.snapshot.migrated - set(context.config.nodes))
    if leaving and context.config.phase.includes(Phase.FINALIZE):
        yield Finding(
            evidence=f"{', '.join(leaving)} left `waves`, but in phase '{context.config.phase}' Cilium is alone",
            remedy="put them back; or go back with `pulumi config set phase migrate` and `pulumi up` first",
        )


def foreign_cilium(context: Context) -> Iterator[Finding]:
    """A Cilium that is not ours is left alone."""
    if context.snapshot.cilium_config is not None and context.snapshot.record is None:
        yield Finding(
            evidence="the cluster has a Cilium (ConfigMap cilium-config) that this program did not install",
            remedy="remove it, or point the program at the right cluster",
        )


def one_run_at_a_time(context: Context) -> Iterator[Finding]:
    """Two operators do not move nodes of one cluster at the same time."""
    if context.snapshot.other_run:
        yield Finding(
            evidence=f"another run works on this cluster: {context.snapshot.other_run}",
            remedy=f"wait for it to end; the hold of a dead run ends by itself after {LEASE_SECONDS} s",
        )


def new_nodes(context: Context) -> Iterator[Finding]:
    """Nodes that joined midway are said aloud."""
    if context.moves_nodes and not context.config.phase.includes(Phase.FINALIZE):
        left = sorted(context.snapshot.node_names - set(context.config.nodes))
        if left:
            yield Finding(
                evidence=f"{len(left)} of {len(context.snapshot.nodes)} nodes are in no wave: "
                f"{', '.join(left[:_AT_MOST])}{' …' if len(left) > _AT_MOST else ''}",
                remedy="they stay on the old network for now",
                severity=Severity.NOTE,
            )

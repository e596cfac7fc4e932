"""The whole migration: the components of every phase up to the stack's own, each after the one before."""

from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_kubernetes as kubernetes

from components.operations.kubeconfig import is_contents
from components.phases.cleanup import Cleanup
from components.phases.finalize import Finalize
from components.phases.migrate import Migrate
from components.phases.policies import Policies
from components.phases.preflight import Preflight
from components.phases.secondary import Secondary
from components.plan import MigrationPlan
from stacks.phases import Phase

if TYPE_CHECKING:
    from components.providers.connectivity_check import ConnectivityCheck


def _provider() -> kubernetes.Provider:
    """The cluster of the stack's config, or of the environment."""
    config = pulumi.Config("kubernetes")
    kubeconfig = config.get("kubeconfig")
    secret = pulumi.runtime.config.is_config_secret("kubernetes:kubeconfig")
    return kubernetes.Provider(
        "cluster",
        kubeconfig=pulumi.Output.secret(kubeconfig)
        if kubeconfig and (secret or is_contents(kubeconfig))
        else kubeconfig,
        context=config.get("context"),
        # A run killed between an object's creation and the engine's note of it meets its own object the next time.
        upsert_existing_objects=True,
        # The plugin names itself anew for an object that it adopts, and would then not change what it applied before.
        enable_patch_force=True,
        enable_config_map_mutable=True,
    )


def declare(plan: MigrationPlan) -> dict[str, Any]:
    """Declare the resources that the plan asks for; returns the stack's outputs."""
    phase = plan.config.phase
    turns: dict[str, Any] = {}
    waves: list[dict[str, Any]] = []
    costs: dict[str, ConnectivityCheck] = {}
    done: list[pulumi.Resource] = []
    provider = _provider()

    def after() -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(depends_on=list(done), providers={"kubernetes": provider})

    done.append(Preflight(plan, after()))

    if phase.includes(Phase.SECONDARY):
        # Cilium's own kinds are there from `secondary` on; once that is behind us, policies come before final values.
        early = phase.includes(Phase.FINALIZE) and bool(plan.policies)
        if early:
            done.append(Policies(plan, after()))
        secondary = Secondary(plan, after())
        costs[Phase.SECONDARY] = secondary.cost
        done.append(secondary)
        if plan.policies and not early:
            done.append(Policies(plan, after()))
        migrate = Migrate(plan, after())
        done.append(migrate)
        turns = {node: turn.summary for node, turn in migrate.turns.items()}
        waves = migrate.waves
    if phase.includes(Phase.FINALIZE):
        finalize = Finalize(plan, after())
        costs[Phase.FINALIZE] = finalize.cost
        done.append(finalize)
    if phase.includes(Phase.CLEANUP):
        costs[Phase.CLEANUP] = Cleanup(plan, after()).cost
    outputs = {
        "phase": phase.value,
        "source": plan.source.kind,
        "strategy": plan.config.strategy,
        "nodesDone": plan.config.nodes,
        "nodesToDo": plan.nodes_to_do,
        "nodes": turns,
        "waves": waves,
        "phases": {name: each.record for name, each in costs.items()},
        "acknowledged": plan.config.acknowledge,
    }
    said = {"phase": "phase", "strategy": "strategy", "nodesDone": "waves", "acknowledged": "acknowledge"}
    secret = [name for name, key in said.items() if key in plan.secret]
    return {name: pulumi.Output.secret(value) if name in secret else value for name, value in outputs.items()}

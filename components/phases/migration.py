"""The whole migration: the components of each phase of the strategy up to the stack's own, one after the other."""

from importlib import import_module
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from components.operations.cluster_api.kubeconfig import is_contents
from components.phases.phase_chain import Chain
from components.phases.source_positions import leave_out_source_positions
from components.plan import MigrationPlan


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
    leave_out_source_positions()
    chain = Chain(provider=_provider())
    import_module(f"{plan.config.chosen_strategy.rooms}.phases").declare(plan, chain)
    outputs = {
        "phase": plan.config.phase,
        "source": plan.source.kind,
        "strategy": plan.config.strategy,
        "nodesDone": plan.config.nodes,
        "nodesToDo": plan.nodes_to_do,
        "nodes": chain.turns,
        "waves": chain.waves,
        "phases": {name: each.record for name, each in chain.costs.items()},
        "acknowledged": plan.config.acknowledge,
    }
    said = {"phase": "phase", "strategy": "strategy", "nodesDone": "waves", "acknowledged": "acknowledge"}
    secret = [name for name, key in said.items() if key in plan.secret]
    return {name: pulumi.Output.secret(value) if name in secret else value for name, value in outputs.items()}

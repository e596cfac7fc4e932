"""The whole migration: the components of every phase up to the stack's own, each after the one before."""

from typing import Any

import pulumi

from components.phases.cleanup import Cleanup
from components.phases.finalize import Finalize
from components.phases.migrate import Migrate
from components.phases.preflight import Preflight
from components.phases.secondary import Secondary
from components.plan import MigrationPlan
from stacks.phases import Phase


def declare(plan: MigrationPlan) -> dict[str, Any]:
    """Declare the resources that the plan asks for; returns the stack's outputs."""
    phase = plan.config.phase
    turns: dict[str, Any] = {}
    done: list[pulumi.Resource] = [Preflight(plan)]

    def after() -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(depends_on=list(done))

    if phase.includes(Phase.SECONDARY):
        done.append(Secondary(plan, after()))
        migrate = Migrate(plan, after())
        done.append(migrate)
        turns = {node: turn.summary for node, turn in migrate.turns.items()}
    if phase.includes(Phase.FINALIZE):
        done.append(Finalize(plan, after()))
    if phase.includes(Phase.CLEANUP):
        done.append(Cleanup(plan, after()))
    return {
        "phase": phase.value,
        "source": plan.source.kind,
        "strategy": plan.config.strategy,
        "nodesDone": plan.config.nodes,
        "nodesToDo": plan.nodes_to_do,
        "nodes": turns,
    }

"""The hybrid strategy's resources, phase by phase."""

from components.phases.cleanup import Cleanup
from components.phases.migrate import Migrate
from components.phases.phase_chain import Chain
from components.phases.policies import Policies
from components.phases.preflight import Preflight
from components.plan import MigrationPlan
from components.strategies.hybrid.finalize import Finalize
from components.strategies.hybrid.secondary import Secondary
from stacks.strategies import Milestone


def declare(plan: MigrationPlan, chain: Chain) -> None:
    """Declare the resources of every phase up to the stack's own."""
    config = plan.config
    chain.add(Preflight(plan, chain.options))
    if config.reaches(Milestone.BOTH_NETWORKS):
        # Cilium's own kinds are there by now; once it is alone, policies come before its final values.
        early = config.reaches(Milestone.CILIUM_ALONE) and bool(plan.policies)
        if early:
            chain.add(Policies(plan, chain.options))
        secondary = chain.add(Secondary(plan, chain.options))
        chain.costs["secondary"] = secondary.cost
        if plan.policies and not early:
            chain.add(Policies(plan, chain.options))
        migrate = chain.add(Migrate(plan, chain.options))
        chain.turns |= migrate.records
        chain.waves += migrate.waves
    if config.reaches(Milestone.CILIUM_ALONE):
        chain.costs["finalize"] = chain.add(Finalize(plan, chain.options)).cost
    if config.reaches(Milestone.OLD_NETWORK_GONE):
        chain.costs["cleanup"] = chain.add(Cleanup(plan, chain.options)).cost

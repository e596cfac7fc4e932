"""The resources of the toy strategy: all of them are components of the program's own."""

from components.phases.migrate import Migrate
from components.phases.phase_chain import Chain
from components.phases.preflight import Preflight
from components.plan import MigrationPlan
from components.strategies.hybrid.secondary import Secondary


def declare(plan: MigrationPlan, chain: Chain) -> None:
    """Declare both phases: nodes named in waves have their turns in either."""
    chain.add(Preflight(plan, chain.options))
    secondary = chain.add(Secondary(plan, chain.options))
    chain.costs["beside"] = secondary.cost
    migrate = chain.add(Migrate(plan, chain.options))
    chain.turns |= migrate.records
    chain.waves += migrate.waves

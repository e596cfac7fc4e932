"""Phase `finalize`: Cilium alone: its release has the final values by now, the agents start anew with them."""

import hashlib
import json

import pulumi

from components.phases.traffic_guard import cost_of, quiet_before
from components.plan import MigrationPlan
from components.providers.agent_rollout import AgentRollout
from stacks.strategies import Milestone
from stacks.values import final_values, live_settings


class Finalize(pulumi.ComponentResource):
    """The agents' restart; the node config, which no agent needs any more, goes once that is done."""

    def __init__(self, plan: MigrationPlan, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cni-live-migration:phase:Finalize", "finalize", None, opts)
        phase = plan.config.chosen_strategy.first_at(Milestone.CILIUM_ALONE)
        values = final_values(plan.cilium)
        digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]
        before = quiet_before(phase, digest=digest, opts=pulumi.ResourceOptions(parent=self))
        agents = AgentRollout(
            "agents",
            settings=live_settings(values),
            digest=digest,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[before]),
        )
        self.cost = cost_of(
            phase,
            before=before,
            digest=digest,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[agents]),
        )
        self.register_outputs({})

"""Phase `cleanup`: the old CNI and its leftovers go. The point of no return, entered only with consent."""

import pulumi

from components.phases.traffic_guard import cost_of, quiet_before
from components.plan import MigrationPlan
from components.providers.destroy_guard import DestroyGuard
from components.providers.object_removal import ObjectRemoval
from components.providers.source_removal import SourceRemoval
from stacks.strategies import Milestone


class Cleanup(pulumi.ComponentResource):
    """The old CNI's removal; from here on the nodes are sealed, and Cilium's release and all of this are protected."""

    def __init__(self, plan: MigrationPlan, opts: pulumi.ResourceOptions | None = None) -> None:
        protected = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(protect=True))
        super().__init__("cni-live-migration:phase:Cleanup", "cleanup", None, protected)
        phase = plan.config.chosen_strategy.first_at(Milestone.OLD_NETWORK_GONE)
        before = quiet_before(phase, opts=pulumi.ResourceOptions(parent=self))
        removal = SourceRemoval(
            "source", kind=plan.source.kind, opts=pulumi.ResourceOptions(parent=self, depends_on=[before])
        )
        after = pulumi.ResourceOptions(parent=self, depends_on=[removal])
        # Declared even with nothing to remove: being protected, it could not leave with the last title.
        others = ObjectRemoval("objects", objects=plan.config.cleanup.remove, opts=after)
        last = pulumi.ResourceOptions(parent=self, depends_on=[removal, others])
        self.cost = cost_of(phase, before=before, opts=last)
        DestroyGuard("guard", opts=pulumi.ResourceOptions(parent=self, depends_on=[self.cost]))
        self.register_outputs({})

"""Phase `cleanup`: the old CNI and its leftovers go. The point of no return, entered only with consent."""

import pulumi

from components.phases.watched import cost_of, quiet_before
from components.plan import MigrationPlan
from components.providers.object_removal import ObjectRemoval
from components.providers.source_removal import SourceRemoval
from stacks.phases import Phase


class Cleanup(pulumi.ComponentResource):
    """The old CNI's removal; from here on the nodes are sealed and Cilium's release is protected."""

    def __init__(self, plan: MigrationPlan, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cni-live-migration:phase:Cleanup", "cleanup", None, opts)
        before = quiet_before(Phase.CLEANUP, opts=pulumi.ResourceOptions(parent=self))
        removal = SourceRemoval(
            "source", kind=plan.source.kind, opts=pulumi.ResourceOptions(parent=self, depends_on=[before])
        )
        removals: list[pulumi.Resource] = [removal]
        if plan.config.cleanup.remove:
            after = pulumi.ResourceOptions(parent=self, depends_on=[removal])
            removals.append(ObjectRemoval("objects", objects=plan.config.cleanup.remove, opts=after))
        self.cost = cost_of(Phase.CLEANUP, before=before, opts=pulumi.ResourceOptions(parent=self, depends_on=removals))
        self.register_outputs({})

"""Phase `cleanup`: the old CNI and its leftovers go. The point of no return, entered only with consent."""

import pulumi

from components.plan import MigrationPlan
from components.providers.source_removal import SourceRemoval


class Cleanup(pulumi.ComponentResource):
    """The old CNI's removal; from here on the nodes are sealed and Cilium's release is protected."""

    def __init__(self, plan: MigrationPlan, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cni-live-migration:phase:Cleanup", "cleanup", None, opts)
        SourceRemoval("source", kind=plan.source.kind, opts=pulumi.ResourceOptions(parent=self))
        self.register_outputs({})

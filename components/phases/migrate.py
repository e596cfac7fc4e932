"""Phase `migrate`: the nodes' turns, wave after wave, the nodes of one wave side by side."""

from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from components.names import PREFIX
from components.plan import MigrationPlan
from components.providers.node_cut_over import NodeCutOver
from components.providers.node_drain import NodeDrain
from stacks.phases import Phase
from stacks.values import MIGRATED_LABEL


class NodeTurn(pulumi.ComponentResource):
    """One node: emptied, labelled, moved. Deleted, the same steps run backwards and the node is where it was."""

    def __init__(self, node: str, *, sealed: bool, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cni-live-migration:node:Turn", node, None, opts)
        drain = NodeDrain(f"{node}-drain", node=node, sealed=sealed, opts=pulumi.ResourceOptions(parent=self))
        label = kubernetes.core.v1.NodePatch(
            f"{node}-label",
            metadata={
                "name": node,
                "labels": {MIGRATED_LABEL: "true"},
                "annotations": {"pulumi.com/patchForce": "true", "pulumi.com/patchFieldManager": PREFIX},
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=[drain]),
        )
        cut_over = NodeCutOver(
            f"{node}-cut-over",
            node=node,
            sealed=sealed,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[label]),
        )
        self.summary: dict[str, pulumi.Output[Any]] = {
            "finished": cut_over.finished,
            "podsEvicted": drain.podsEvicted,
            "podsRecycled": cut_over.podsRecycled,
            "restarted": cut_over.restarted,
            "seconds": cut_over.seconds,
            "verified": cut_over.verified,
        }
        self.register_outputs({})


class Migrate(pulumi.ComponentResource):
    """All turns; a wave starts when every node of the one before is verified."""

    def __init__(self, plan: MigrationPlan, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cni-live-migration:phase:Migrate", "migrate", None, opts)
        sealed = plan.config.phase.includes(Phase.CLEANUP)
        self.turns: dict[str, NodeTurn] = {}
        before: list[NodeTurn] = []
        for wave in plan.config.waves:
            turn_opts = pulumi.ResourceOptions(parent=self, depends_on=before)
            before = [NodeTurn(node, sealed=sealed, opts=turn_opts) for node in wave]
            self.turns |= dict(zip(wave, before, strict=True))
        self.register_outputs({})

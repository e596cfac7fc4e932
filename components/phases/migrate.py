"""Phase `migrate`: the nodes' turns, wave after wave, the nodes of one wave side by side."""

from typing import Any

import pulumi

from components.names import PREFIX
from components.phases.kubernetes_object import KubernetesObject
from components.plan import MigrationPlan
from components.providers.connectivity_check import AFTER, BEFORE, ConnectivityCheck
from components.providers.node_cut_over import NodeCutOver
from components.providers.node_drain import NodeDrain
from stacks.strategies import Milestone


class NodeTurn(pulumi.ComponentResource):
    """One node: emptied, labelled, moved. Deleted, the same steps run backwards and the node is where it was."""

    def __init__(
        self, node: str, *, label: str, uid: str, sealed: bool, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("cni-live-migration:node:Turn", node, None, opts)
        self.node = node
        drain = NodeDrain(f"{node}-drain", node=node, uid=uid, sealed=sealed, opts=pulumi.ResourceOptions(parent=self))
        metadata = {
            "name": node,
            "labels": {label: "true"},
            "annotations": {"pulumi.com/patchForce": "true", "pulumi.com/patchFieldManager": PREFIX},
        }
        labelled = KubernetesObject(
            f"{node}-label",
            {"apiVersion": "v1", "kind": "Node", "metadata": metadata},
            patches=True,
            # The way back takes the label off: the plugin would make a Node that is gone anew, as an empty one.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[drain], retain_on_delete=True),
        )
        cut_over = NodeCutOver(
            f"{node}-cut-over",
            node=node,
            uid=uid,
            sealed=sealed,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[labelled]),
        )
        self.summary: dict[str, pulumi.Output[Any]] = {
            "began": drain.began,
            "finished": cut_over.finished,
            "podsEvicted": pulumi.Output.all(drain.podsEvicted, cut_over.podsEvicted).apply(sum),
            "podsRecycled": cut_over.podsRecycled,
            "restarted": cut_over.restarted,
            "seconds": pulumi.Output.all(drain.seconds, cut_over.seconds).apply(_together),
            "steps": pulumi.Output.all(drain.steps, cut_over.steps).apply(_joined),
            "verified": cut_over.verified,
        }
        # What a restart took is told by the half of the turn that it is in.
        self.restart = {"restarted": cut_over.restarted, "steps": cut_over.steps}

    def judged(self, after: ConnectivityCheck) -> None:
        """The traffic of its wave, and what that was held to, complete the turn's record."""
        self.summary["traffic"] = after.traffic.apply(lambda found: (found or {}).get(self.node, {}))
        self.summary["budget"] = after.record["budget"]
        self.register_outputs(self.summary)


def _together(halves: list[dict[str, float] | None]) -> dict[str, float]:
    """The seconds of each step of both halves of a turn."""
    return {step: seconds for half in halves for step, seconds in (half or {}).items()}


def _joined(halves: list[list[dict[str, str]] | None]) -> list[dict[str, str]] | None:
    """The steps of both halves of a turn; None where an earlier version kept none of one."""
    return None if None in halves else [step for half in halves for step in half or []]


class Migrate(pulumi.ComponentResource):
    """All turns; a wave starts when every node of the one before is verified."""

    def __init__(self, plan: MigrationPlan, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cni-live-migration:phase:Migrate", "migrate", None, opts)
        sealed = plan.config.reaches(Milestone.OLD_NETWORK_GONE)
        # Where Cilium is alone a new node comes up on it, and has no turn.
        alone = plan.config.reaches(Milestone.CILIUM_ALONE)
        label = plan.config.chosen_strategy.switch_label
        uids = {node.name: "" if alone else node.uid for node in plan.snapshot.nodes}
        self.turns: dict[str, NodeTurn] = {}
        self.waves: list[dict[str, Any]] = []
        done: list[pulumi.Resource] = []
        for number, nodes in enumerate(plan.config.waves):
            wave = f"wave {number}"
            before = ConnectivityCheck(
                f"wave-{number}-before",
                change=wave,
                moment=BEFORE,
                nodes=nodes,
                opts=pulumi.ResourceOptions(parent=self, depends_on=done),
            )
            opts_of_turn = pulumi.ResourceOptions(parent=self, depends_on=[before])
            turns = {
                node: NodeTurn(node, label=label, uid=uids.get(node, ""), sealed=sealed, opts=opts_of_turn)
                for node in nodes
            }
            after = ConnectivityCheck(
                f"wave-{number}-after",
                change=wave,
                moment=AFTER,
                nodes=nodes,
                since=before.at,
                turns=pulumi.Output.from_input({node: turn.restart for node, turn in turns.items()}),
                opts=pulumi.ResourceOptions(parent=self, depends_on=list(turns.values())),
            )
            for turn in turns.values():
                turn.judged(after)
            self.waves.append({"nodes": nodes, **after.record})
            self.turns |= turns
            done = [after]
        self.register_outputs({})

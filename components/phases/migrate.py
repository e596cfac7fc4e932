"""Phase `migrate`: the nodes' turns, wave after wave, the nodes of one wave side by side."""

from typing import Any

import pulumi

from components.plan import MigrationPlan
from components.providers.connectivity_check import AFTER, BEFORE, ConnectivityCheck
from components.providers.node_turn import NodeTurn
from stacks.strategies import Milestone

MIGRATE = "cni-live-migration:phase:Migrate"


def _in_earlier_versions(node: str) -> str:
    """The URN of the resource in the state of earlier versions that a turn takes the place of."""
    types = f"{MIGRATE}$cni-live-migration:node:Turn$pulumi-python:dynamic/migrate:NodeCutOver"
    return f"urn:pulumi:{pulumi.get_stack()}::{pulumi.get_project()}::{types}::{node}-cut-over"


class Migrate(pulumi.ComponentResource):
    """All turns; a wave starts when every node of the one before is verified."""

    def __init__(self, plan: MigrationPlan, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(MIGRATE, "migrate", None, opts)
        sealed = plan.config.reaches(Milestone.OLD_NETWORK_GONE)
        # Where Cilium is alone a new node comes up on it, and has no turn.
        alone = plan.config.reaches(Milestone.CILIUM_ALONE)
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
            turns = {
                node: NodeTurn(
                    node,
                    node=node,
                    uid=uids.get(node, ""),
                    sealed=sealed,
                    opts=pulumi.ResourceOptions(parent=self, depends_on=[before], aliases=[_in_earlier_versions(node)]),
                )
                for node in nodes
            }
            after = ConnectivityCheck(
                f"wave-{number}-after",
                change=wave,
                moment=AFTER,
                nodes=nodes,
                since=before.at,
                opts=pulumi.ResourceOptions(parent=self, depends_on=list(turns.values())),
            )
            self.waves.append({"nodes": nodes, "traffic": after.traffic, **after.record})
            self.turns |= turns
            done = [after]
        self.register_outputs({})

    @property
    def records(self) -> dict[str, Any]:
        """Each turn's times, for the stack's outputs."""
        return {node: {"began": turn.began, "finished": turn.finished} for node, turn in self.turns.items()}

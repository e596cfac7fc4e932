"""Cordon and uncordon, keeping a cordon that was set before the node's turn."""

from components.operations.cluster_api.api import Cluster
from components.operations.draining.autoscaler_hold import holding
from components.operations.turn_annotations import CORDONED_BEFORE, TurnStep, mark, node_path, read_node


def cordon(cluster: Cluster, name: str, *, step: TurnStep, hold: bool = False) -> None:
    """Mark the node unschedulable and write the turn's step; its earlier state is recorded first, once.

    With `hold` the autoscalers' annotations are set as well, so that they leave the node alone.
    """
    node = read_node(cluster, name)
    remembered = node.annotations.get(CORDONED_BEFORE)
    before = remembered if remembered is not None else str(node.unschedulable).lower()
    mark(cluster, name, step, **{CORDONED_BEFORE: before, **(holding(node) if hold else {})})
    if not node.unschedulable:
        cluster.patch(node_path(name), {"spec": {"unschedulable": True}})


def uncordon(cluster: Cluster, name: str) -> bool:
    """Make the node schedulable again unless it was cordoned before its turn; True if it is schedulable now."""
    node = read_node(cluster, name)
    if node.annotations.get(CORDONED_BEFORE) == "true":
        return False
    if node.unschedulable:
        cluster.patch(node_path(name), {"spec": {"unschedulable": None}})
    return True

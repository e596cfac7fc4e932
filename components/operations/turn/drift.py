"""The ways in which a node is no longer as its turn left it."""

from components.operations.cluster_api.api import Cluster
from components.operations.turn.recipe import Turn
from components.operations.turn_annotations import TurnStep, read_node, step_of


def drift(cluster: Cluster, turn: Turn) -> str | None:
    """The reason why the node is not, or is no longer, on Cilium's network; None if it is, as its turn left it."""
    node = read_node(cluster, turn.node)
    if step_of(node) is not TurnStep.MIGRATED:
        return f"its turn is not complete ({step_of(node) or 'not begun'})"
    if node.labels.get(turn.label) != "true":
        return f"label {turn.label} was removed"
    return turn.recipe.drift(cluster, turn)

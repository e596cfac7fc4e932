"""Whether a node is still as its turn left it."""

from components.operations import agent as agents
from components.operations.api import Cluster
from components.operations.marks import TurnStep, read_node, step_of
from components.operations.turn.settings import Turn


def drift(cluster: Cluster, turn: Turn) -> str | None:
    """Why the node is not, or is no longer, on Cilium's network; None if it is, as its turn left it."""
    node = read_node(cluster, turn.node)
    if step_of(node) is not TurnStep.MIGRATED:
        return f"its turn is not complete ({step_of(node) or 'not begun'})"
    if node.labels.get(turn.label) != "true":
        return f"label {turn.label} was removed"
    for agent in agents.agents(cluster, namespace=turn.cilium_namespace, node=turn.node):
        if agent.ready and agents.active_conf(agents.cni_conf(cluster, agent))[:1] != [turn.cni_conf]:
            return f"{turn.cni_conf} is not in charge of its CNI any more"
    return None

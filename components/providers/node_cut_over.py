"""The second half of a node's turn, as stacks of earlier versions hold it: it stands for the whole turn now."""

from components.providers.node_turn import NodeTurnProvider


class NodeCutOverProvider(NodeTurnProvider):
    """A turn in the state of an earlier version, until the next change of it."""

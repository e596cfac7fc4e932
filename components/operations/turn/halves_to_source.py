"""The two halves of the way back (rollback): drain, take the label off, run the strategy's steps back."""

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from components.operations.cluster_api.api import Cluster
from components.operations.deadline import OperationError
from components.operations.draining.autoscaler_hold import released
from components.operations.draining.cordon import uncordon
from components.operations.dry_run import assert_accepted
from components.operations.objects.model import Node
from components.operations.turn.recipe import Half, Turn
from components.operations.turn.running_steps import go_through, steps
from components.operations.turn_annotations import TurnStep, clear, node_path, read_node, step_of

_NEVER_LEFT = (TurnStep.DRAINING, TurnStep.DRAINED)
_UNFINISHED = (*_NEVER_LEFT, TurnStep.SWITCHING, TurnStep.RETURNING)


def unfinished(cluster: Cluster, nodes: Collection[str]) -> list[str]:
    """Those of the nodes whose turns were broken off, there or back: no state holds them."""
    found = map(Node.read, cluster.list("/api/v1/nodes")) if nodes else ()
    return sorted(node.name for node in found if node.name in nodes and step_of(node) in _UNFINISHED)


def take_back(cluster: Cluster, turns: Sequence[Turn]) -> None:
    """Take nodes back side by side; raises OperationError with a line for each that could not be taken back."""

    def fault_of(turn: Turn) -> str:
        try:
            go_back(cluster, turn)
        except OperationError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(max_workers=max(1, len(turns))) as pool:
        faults = list(filter(None, pool.map(fault_of, turns)))
    if faults:
        raise OperationError("\n".join(faults))


def go_back(cluster: Cluster, turn: Turn) -> None:
    """The whole way back from wherever the node's turn is, or what is left of a way back that was broken off."""
    node = read_node(cluster, turn.node)
    labelled, step = turn.label in node.labels, step_of(node)
    if step is None and not labelled and turn.recipe.drift(cluster, turn):
        return  # it is back already; without marks and on the new network, somebody took them off
    halfway = step is TurnStep.RETURNING and not labelled
    if step not in _NEVER_LEFT and not halfway:
        empty_for_return(cluster, turn)
    return_to_source(cluster, turn)


def empty_for_return(cluster: Cluster, turn: Turn) -> None:
    """First half of the way back: cordon and drain the node, still on Cilium's network."""
    with steps(cluster, turn, half=Half.BEFORE, back=True) as progress, ExitStack() as stack:
        turn.recipe.may_return(cluster, turn)
        assert_accepted(cluster, turn.pods, node=turn.node)
        run = turn.recipe.run(cluster=cluster, turn=turn, progress=progress, open=stack)
        go_through(run, half=Half.BEFORE, back=True)
        progress.done(run.last_words)


def return_to_source(cluster: Cluster, turn: Turn) -> None:
    """Second half of the way back: label off, then the recipe's steps back, and nothing of ours left on the node."""
    with steps(cluster, turn, half=Half.AFTER, back=True) as progress:
        cluster.patch(node_path(turn.node), {"metadata": {"labels": {turn.label: None}}})
        node = read_node(cluster, turn.node)
        if node.labels.get(turn.label):
            raise OperationError(
                f"node {turn.node}: label {turn.label} was taken off and is set again, somebody else holds it: have "
                "whoever manages the node's labels (GitOps, a cloud controller) drop it, then `pulumi up` again"
            )
        if step_of(node) is None:
            return
        if step_of(node) in (TurnStep.DRAINING, TurnStep.DRAINED):
            progress.step("uncordon", "it never left the old network")
            uncordon(cluster, turn.node)
        else:
            with ExitStack() as stack:
                run = turn.recipe.run(cluster=cluster, turn=turn, progress=progress, open=stack)
                go_through(run, half=Half.AFTER, back=True)
        clear(cluster, turn.node, besides=released(read_node(cluster, turn.node)))
        progress.done(f"back on {turn.source_title}")

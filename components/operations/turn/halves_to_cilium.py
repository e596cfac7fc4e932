"""The two halves of a node's turn, drain and move to Cilium: they run the strategy's steps, and go on after a kill."""

from contextlib import ExitStack
from typing import Any

from components.operations.cluster_api.api import Cluster
from components.operations.deadline import OperationError
from components.operations.draining.autoscaler_hold import released
from components.operations.draining.cordon import cordon
from components.operations.dry_run import assert_accepted
from components.operations.progress import Progress
from components.operations.step_records import as_outputs
from components.operations.turn.drift import drift
from components.operations.turn.recipe import Half, TurnRun
from components.operations.turn.running_steps import go_through, steps
from components.operations.turn.settings import Turn
from components.operations.turn_annotations import (
    BOOT_ID,
    CORDONED_BEFORE,
    NOT_READY_BEFORE,
    RESTARTED,
    TurnStep,
    mark,
    node_path,
    now,
    read_node,
    step_of,
)
from components.operations.turn_steps.readiness import remember_not_ready

_OF_A_TURN = (CORDONED_BEFORE, NOT_READY_BEFORE, BOOT_ID, RESTARTED)


def empty_for_cilium(cluster: Cluster, turn: Turn) -> dict[str, Any]:
    """First half: cordon and drain the node, still on the old network."""
    began = now()
    with steps(cluster, turn, half=Half.BEFORE) as progress, ExitStack() as stack:
        node = read_node(cluster, turn.node)
        if step_of(node) in (TurnStep.MIGRATED, TurnStep.SWITCHING):
            progress.say(f"is {step_of(node)} already, nothing to drain")
            return {"node": turn.node, "began": began, "podsEvicted": 0, "seconds": {}, "steps": []}
        turn.recipe.may_begin(cluster, turn)
        assert_accepted(cluster, turn.pods, node=turn.node)
        run = turn.recipe.run(cluster=cluster, turn=turn, progress=progress, open=stack)
        go_through(run, half=Half.BEFORE)
        mark(cluster, turn.node, TurnStep.DRAINED)
        seconds = progress.done(run.last_words)
    return {
        "node": turn.node, "began": began, "podsEvicted": run.outputs.get("podsEvicted", 0), "seconds": seconds,
        "steps": as_outputs(progress.times),
    }  # fmt: skip


def move_to_cilium(cluster: Cluster, turn: Turn) -> dict[str, Any]:
    """Second half, the label being set: switch the node, renew its pods, verify, uncordon."""
    with steps(cluster, turn, half=Half.AFTER) as progress, ExitStack() as stack:
        _assert_labelled(cluster, turn, progress)
        run = turn.recipe.run(cluster=cluster, turn=turn, progress=progress, open=stack)
        if drift(cluster, turn) is None:
            progress.say("is migrated and verified already")
            return _summary(run)
        begun = step_of(read_node(cluster, turn.node)) is TurnStep.SWITCHING
        cordon(cluster, turn.node, step=TurnStep.SWITCHING, hold=turn.hold)
        if not begun:
            remember_not_ready(cluster, turn.node)
        go_through(run, half=Half.AFTER)
        given_back = released(read_node(cluster, turn.node))
        mark(cluster, turn.node, TurnStep.MIGRATED, **{**dict.fromkeys(_OF_A_TURN), **given_back})
        progress.done(run.last_words)
        return _summary(run)


def _assert_labelled(cluster: Cluster, turn: Turn, progress: Progress) -> None:
    """Set the label again where somebody took it off in mid-turn: the engine believes that it is there.

    Raises OperationError if it does not stay.
    """
    if read_node(cluster, turn.node).labels.get(turn.label) == "true":
        return
    progress.say(f"its label {turn.label}=true was taken off and is set again")
    cluster.patch(node_path(turn.node), {"metadata": {"labels": {turn.label: "true"}}})
    if read_node(cluster, turn.node).labels.get(turn.label) != "true":
        raise OperationError(
            f"node {turn.node}: label {turn.label}=true was set and is taken off again: have whoever manages the "
            "node's labels (GitOps, a cloud controller) leave it alone, then `pulumi up` again"
        )


def _summary(run: TurnRun) -> dict[str, Any]:
    return {
        "node": run.turn.node,
        "finished": now(),
        "seconds": dict(run.progress.seconds),
        "steps": as_outputs(run.progress.times),
        **dict(run.turn.recipe.outputs),
        **run.outputs,
    }

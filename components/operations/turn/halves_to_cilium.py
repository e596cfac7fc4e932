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
from components.operations.turn.recipe import Half, Turn
from components.operations.turn.running_steps import go_through, steps
from components.operations.turn.turn_record import as_annotation, both_halves, record_of_turn
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


def go_there(cluster: Cluster, turn: Turn) -> dict[str, Any]:
    """The whole turn, or what is left of one that was broken off; returns its record."""
    empty_for_cilium(cluster, turn)
    return move_to_cilium(cluster, turn)


def empty_for_cilium(cluster: Cluster, turn: Turn) -> None:
    """First half: cordon and drain the node, still on the old network."""
    began = now()
    with steps(cluster, turn, half=Half.BEFORE) as progress, ExitStack() as stack:
        node = read_node(cluster, turn.node)
        if step_of(node) in (TurnStep.MIGRATED, TurnStep.SWITCHING):
            progress.say(f"is {step_of(node)} already, nothing to drain")
            return
        turn.recipe.may_begin(cluster, turn)
        assert_accepted(cluster, turn.pods, node=turn.node)
        run = turn.recipe.run(cluster=cluster, turn=turn, progress=progress, open=stack)
        go_through(run, half=Half.BEFORE)
        progress.end()
        own = {
            "began": began, "podsEvicted": run.outputs.get("podsEvicted", 0), "steps": as_outputs(progress.times)
        }  # fmt: skip
        # A run that was broken off after its drain has told of it already.
        record = both_halves(record_of_turn(node), own) if step_of(node) is TurnStep.DRAINED else own
        mark(cluster, turn.node, TurnStep.DRAINED, **as_annotation(record))
        progress.done(run.last_words)


def move_to_cilium(cluster: Cluster, turn: Turn) -> dict[str, Any]:
    """Second half: set the label, switch the node, renew its pods, verify, uncordon; returns the turn's record."""
    with steps(cluster, turn, half=Half.AFTER) as progress, ExitStack() as stack:
        _label(cluster, turn, progress)
        run = turn.recipe.run(cluster=cluster, turn=turn, progress=progress, open=stack)
        node = read_node(cluster, turn.node)
        if drift(cluster, turn) is None:
            progress.say("is migrated and verified already")
            return record_of_turn(node)
        if step_of(node) is TurnStep.MIGRATED:  # drift is mended: the turn that is over is no part of this one
            mark(cluster, turn.node, TurnStep.MIGRATED, **as_annotation({"began": now()}))
            node = read_node(cluster, turn.node)
        begun = step_of(node) is TurnStep.SWITCHING
        cordon(cluster, turn.node, step=TurnStep.SWITCHING, hold=turn.hold)
        if not begun:
            remember_not_ready(cluster, turn.node)
        go_through(run, half=Half.AFTER)
        progress.end()
        own = {"finished": now(), **dict(turn.recipe.outputs), **run.outputs, "steps": as_outputs(progress.times)}
        record = both_halves(record_of_turn(node), own)
        given_back = released(read_node(cluster, turn.node))
        marks = {**dict.fromkeys(_OF_A_TURN), **given_back, **as_annotation(record)}
        mark(cluster, turn.node, TurnStep.MIGRATED, **marks)
        progress.done(run.last_words)
        return record


def _label(cluster: Cluster, turn: Turn, progress: Progress) -> None:
    """Set the label by which Cilium takes the node over; again, if somebody took it off in mid-turn.

    Raises OperationError if it does not stay.
    """
    node = read_node(cluster, turn.node)
    if node.labels.get(turn.label) == "true":
        return
    if step_of(node) in (TurnStep.SWITCHING, TurnStep.MIGRATED):
        progress.say(f"its label {turn.label}=true was taken off and is set again")
    cluster.patch(node_path(turn.node), {"metadata": {"labels": {turn.label: "true"}}})
    if read_node(cluster, turn.node).labels.get(turn.label) != "true":
        raise OperationError(
            f"node {turn.node}: label {turn.label}=true was set and is taken off again: have whoever manages the "
            "node's labels (GitOps, a cloud controller) leave it alone, then `pulumi up` again"
        )

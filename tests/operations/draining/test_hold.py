"""Autoscalers are held off a node for its turn, and what comes back is what was there before."""

import json
from typing import Any

import pytest

from components.checks.nodes.moving_nodes import turns_left_open
from components.operations.cluster_api.api import Cluster
from components.operations.deadline import OperationError
from components.operations.draining.autoscaler_hold import CLUSTER_AUTOSCALER, KARPENTER, released
from components.operations.draining.cordon import cordon
from components.operations.objects.model import Node
from components.operations.turn_annotations import HELD, STEP, TurnStep, clear, read_node
from tests.builders import make_context, make_node, secondary


class Annotated(Cluster):
    """One node, with its annotations."""

    def __init__(self, **annotations: str) -> None:
        self.annotations = annotations
        self.patches = 0

    def get(self, path: str, **_query: Any) -> dict[str, Any]:
        return {"metadata": {"name": "worker-1", "annotations": dict(self.annotations)}, "spec": {}, "status": {}}

    def patch(self, path: str, body: dict[str, Any], *, strategic: bool = False) -> dict[str, Any]:
        wanted = body.get("metadata", {}).get("annotations") or {}
        merged = {**self.annotations, **wanted}
        self.annotations = {key: value for key, value in merged.items() if value is not None}
        self.patches += bool(wanted)
        return {}

    @property
    def node(self) -> Node:
        return read_node(self, "worker-1")


@pytest.mark.parametrize(
    "before",
    [{}, {KARPENTER: "true"}, {CLUSTER_AUTOSCALER: "true"}, {KARPENTER: "false", "other": "x"},
     {KARPENTER: "true", CLUSTER_AUTOSCALER: "true"}],
    ids=lambda before: "-".join(before) or "nothing",
)  # fmt: skip
def test_what_was_there_before_comes_back(before: dict[str, str]) -> None:
    cluster = Annotated(**before)
    cordon(cluster, "worker-1", step=TurnStep.DRAINING, hold=True)
    assert cluster.patches == 1  # a kill leaves all of it or nothing
    cordon(cluster, "worker-1", step=TurnStep.SWITCHING, hold=True)  # as after a kill
    held = cluster.annotations
    assert (held[KARPENTER], held[CLUSTER_AUTOSCALER]) == ("true", "true")
    clear(cluster, "worker-1", besides=released(cluster.node))
    assert cluster.annotations == before


def test_nothing_is_held_unless_that_is_asked_for() -> None:
    cluster = Annotated()
    cordon(cluster, "worker-1", step=TurnStep.DRAINING)
    assert not {KARPENTER, CLUSTER_AUTOSCALER, HELD} & set(cluster.annotations)
    assert released(cluster.node) == {}


def test_what_somebody_changed_in_the_turn_stays_theirs() -> None:
    cluster = Annotated(**{CLUSTER_AUTOSCALER: "false"})
    cordon(cluster, "worker-1", step=TurnStep.DRAINING, hold=True)
    cluster.annotations[CLUSTER_AUTOSCALER] = "mine"
    del cluster.annotations[KARPENTER]
    clear(cluster, "worker-1", besides=released(cluster.node))
    assert cluster.annotations == {CLUSTER_AUTOSCALER: "mine"}


@pytest.mark.parametrize("text", ["", "x", "[]", '{"a": 1}', "null"])
def test_a_record_that_cannot_be_read_is_one_line(text: str) -> None:
    node = make_node("worker-1", annotations={HELD: text})
    with pytest.raises(OperationError, match=rf"node worker-1: annotation {HELD} .* `kubectl annotate node worker-1 "):
        released(node)


def test_a_key_that_is_not_ours_is_never_touched() -> None:
    record = json.dumps({KARPENTER: None, "kubernetes.io/other": "x"})
    node = make_node("worker-1", annotations={HELD: record, KARPENTER: "true", "kubernetes.io/other": "true"})
    assert released(node) == {KARPENTER: None, HELD: None}


@pytest.mark.parametrize(
    ("record", "words"),
    [(json.dumps({KARPENTER: None, CLUSTER_AUTOSCALER: "false"}), f"{KARPENTER}- {CLUSTER_AUTOSCALER}=false {HELD}-"),
     ("x", f"{HELD}-")],
)  # fmt: skip
def test_a_turn_left_open_is_given_back_with_its_hold(record: str, words: str) -> None:
    marks = {STEP: "draining", HELD: record, KARPENTER: "true", CLUSTER_AUTOSCALER: "true"}
    context = make_context(secondary(nodes=(make_node("worker-1", annotations=marks), make_node("worker-2"))))
    (found,) = turns_left_open.find(context)
    assert f"cordoned-before- {words}`" in found.remedy

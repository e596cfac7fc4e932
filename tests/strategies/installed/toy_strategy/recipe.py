"""A turn of three steps: cordon, a mark on the node, uncordon; back the same without the mark."""

from components.operations.cluster_api.api import Cluster
from components.operations.turn.recipe import Half, Recipe, Step, Turn, TurnRun
from components.operations.turn.shared_steps import CORDON, CORDON_TO_RETURN, UNCORDON, UNCORDON_RETURNED
from components.operations.turn_annotations import node_path, read_node

MARK = "toy.example/mark"


def _write(run: TurnRun, value: str | None) -> None:
    run.cluster.patch(node_path(run.turn.node), {"metadata": {"annotations": {MARK: value}}})


def _mark(run: TurnRun) -> None:
    before = int(read_node(run.cluster, run.turn.node).annotations.get(MARK, "0"))
    _write(run, str(before + 1))
    run.progress.say(f"marked with {before + 1}")
    run.outputs["podsRecycled"] = 0


def _unmark(run: TurnRun) -> None:
    _write(run, None)


def _drift(cluster: Cluster, turn: Turn) -> str | None:
    return None if MARK in read_node(cluster, turn.node).annotations else "its mark is gone"


def _nothing_forbids(_cluster: Cluster, _turn: Turn) -> None:
    return None


RECIPE = Recipe[TurnRun](
    run=TurnRun,
    there=(CORDON, Step(name="mark", half=Half.AFTER, do=_mark, undone_by="unmark"), UNCORDON),
    back=(CORDON_TO_RETURN, Step(name="unmark", half=Half.AFTER, do=_unmark), UNCORDON_RETURNED),
    drift=_drift,
    may_begin=_nothing_forbids,
    may_return=_nothing_forbids,
    outputs=(("podsEvicted", 0), ("podsRecycled", 0), ("restarted", False), ("cniConf", []), ("verified", {})),
)

"""Steps that every strategy's turn may have: they know the node's pods and budgets, and nothing of its network."""

from components.operations.draining.cordon import cordon, uncordon
from components.operations.draining.drain import drain
from components.operations.required_workloads import wait_for_watched
from components.operations.turn.recipe import Half, Step, Turn, TurnRun
from components.operations.turn_annotations import TurnStep
from components.operations.turn_steps.readiness import remember_not_ready
from components.plurals import many

RENEWED_IN_PLACE = "the node takes pods again; its own are evicted one by one and may come back"
STAYS_CORDONED = "stays cordoned, as it was before its turn"


def in_place(turn: Turn) -> bool:
    """True if the node's pods are renewed one by one once it is switched."""
    return turn.drain.in_place


def drains(turn: Turn) -> bool:
    """True if the node is drained before it is switched."""
    return not in_place(turn)


def _cordon(run: TurnRun) -> None:
    cordon(run.cluster, run.turn.node, step=TurnStep.DRAINING, hold=run.turn.hold)
    remember_not_ready(run.cluster, run.turn.node)
    run.last_words = "its pods stay until it is switched"


def _cordon_to_return(run: TurnRun) -> None:
    cordon(run.cluster, run.turn.node, step=TurnStep.RETURNING, hold=run.turn.hold)
    remember_not_ready(run.cluster, run.turn.node)
    run.last_words = "its pods stay until it is switched back"


def _drain(run: TurnRun) -> None:
    evicted = drain(run.cluster, run.turn.node, options=run.turn.drain, progress=run.progress).evicted
    run.outputs["podsEvicted"] = len(evicted)
    run.last_words = f"drained, {many(len(evicted), 'pod')} evicted"


def _uncordon(run: TurnRun) -> None:
    schedulable = uncordon(run.cluster, run.turn.node)
    run.last_words = "migrated" if schedulable else f"migrated; {STAYS_CORDONED}"


def _uncordon_returned(run: TurnRun) -> None:
    uncordon(run.cluster, run.turn.node)


def _watch(run: TurnRun) -> None:
    turn = run.turn
    wait_for_watched(run.cluster, turn.node, turn.watched, timeout_seconds=turn.watched_timeout_seconds)


def _said_of_watched(turn: Turn) -> str:
    return f"{many(len(turn.watched), 'workload')} of preflight.watched must be ready"


def _is_watched(turn: Turn) -> bool:
    return bool(turn.watched)


CORDON = Step[TurnRun](name="cordon", half=Half.BEFORE, do=_cordon, undone_by="uncordon")
DRAIN = Step[TurnRun](name="drain", half=Half.BEFORE, do=_drain, applies=drains, undone_by="uncordon")
UNCORDON = Step[TurnRun](name="uncordon", half=Half.AFTER, do=_uncordon, undone_by="cordon")
# After `uncordon`: pods that can run on this node alone had to wait for it to take pods again.
WATCH = Step[TurnRun](name="watch", half=Half.AFTER, do=_watch, detail=_said_of_watched, applies=_is_watched)

CORDON_TO_RETURN = Step[TurnRun](
    name="cordon", half=Half.BEFORE, do=_cordon_to_return, detail="the node goes back to the old network"
)
DRAIN_TO_RETURN = Step[TurnRun](name="drain", half=Half.BEFORE, do=_drain, applies=drains)
UNCORDON_RETURNED = Step[TurnRun](name="uncordon", half=Half.AFTER, do=_uncordon_returned)

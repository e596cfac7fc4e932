"""Parts that all halves of a turn share: progress, error texts, and the renewal of pods in place."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError
from components.operations.deadline import Deadline, HoldLostError, OperationError, StoppedError, stopping
from components.operations.draining.cordon import uncordon
from components.operations.draining.drain import drain
from components.operations.events import reason_of, tell
from components.operations.objects.model import Pod
from components.operations.progress import Progress
from components.operations.step_records import RECORD, HalfRecord, Outcome, records_of
from components.operations.turn.in_place import plan_in_place, renew_one_by_one
from components.operations.turn.recipe import Half, Turn, TurnRun
from components.operations.turn_annotations import assert_there
from components.operations.turn_steps.recycle import stale_pods


@contextmanager
def steps(cluster: Cluster, turn: Turn, *, half: Half, back: bool = False) -> Iterator[Progress]:
    """Progress of a half turn, told live and on the Node object; and where it was left when it fails or is stopped."""
    node = turn.node
    before = len(turn.recipe.steps(turn, half=Half.BEFORE, back=back)) if half is Half.AFTER else 0

    def announce(step: str, detail: str, *, outcome: Outcome = "", warning: bool = False) -> None:
        record = HalfRecord(
            node=node, half=1 if half is Half.BEFORE else 2, outcome=outcome, steps=records_of(progress.times)
        )
        tell(
            cluster, node, reason=reason_of(outcome or step), message=detail,
            warning=warning, annotations={RECORD: record.model_dump_json(exclude_none=True)},
        )  # fmt: skip

    def announce_step(step: str, detail: str) -> None:
        announce(step, detail, outcome="done" if step == "done" else "")

    progress = Progress(node, turn.recipe.count(turn, back=back), announce_step, _number=before)
    try:
        yield progress
    except (OperationError, ClusterError) as error:
        stopped = isinstance(error, StoppedError) or stopping.is_set()
        text = _in_words(cluster, node, error, step=progress.current, stopped=stopped)
        progress.end()
        announce(progress.current, text, outcome="stopped" if stopped else "failed", warning=True)
        raise OperationError(text) from error


def _in_words(cluster: Cluster, node: str, error: Exception, *, step: str, stopped: bool) -> str:
    if isinstance(error, HoldLostError):
        return f"node {node}: step '{step}' broke off: {error}"
    if stopped:
        return f"node {node}: stopped as asked in step '{step}'; it stays as it is, `pulumi up` goes on there"
    if isinstance(error, OperationError):
        return str(error)
    try:
        assert_there(cluster, node)
    except OperationError as gone:
        return str(gone)
    except ClusterError:
        pass
    return f"node {node}: step '{step}' broke off: {error}; mend that, `pulumi up` goes on there"


def go_through(run: TurnRun, *, half: Half, back: bool = False) -> None:
    """Do the recipe's steps of one half, in order."""
    for step in run.turn.recipe.steps(run.turn, half=half, back=back):
        run.progress.step(step.name, step.told(run.turn), effect=step.effect)
        step.do(run)


def assert_renewable(cluster: Cluster, turn: Turn, *, stale: Callable[[Pod], bool]) -> None:
    """Raise OperationError if one of the pods to renew in place may not go, before any is touched."""
    plan_in_place(cluster, turn.node, options=turn.drain, stale=stale, deadline=Deadline(turn.drain.timeout_seconds))


def evict_latecomers(
    cluster: Cluster, turn: Turn, *, stale: Callable[[Pod], bool], progress: Progress
) -> Sequence[str]:
    """Drain the switched node again where pods came onto it after its drain: budgets count for them; returns which.

    They came past the cordon, or while there was none in a turn that was broken off or undone by hand.
    """
    if all(_of_daemon_set(pod) for pod in stale_pods(cluster, turn.node, stale=stale)):
        return ()
    return drain(cluster, turn.node, options=turn.drain, progress=progress).evicted


def _of_daemon_set(pod: Pod) -> bool:
    return pod.mirror or (pod.controller is not None and pod.controller.is_daemon_set)


def renew_in_place(
    cluster: Cluster, turn: Turn, *, stale: Callable[[Pod], bool], network: str, progress: Progress
) -> Sequence[str]:
    """The node, which is on `network` now, takes pods again, and its own come back one by one."""
    uncordon(cluster, turn.node)
    return renew_one_by_one(cluster, turn.node, options=turn.drain, stale=stale, network=network, progress=progress)

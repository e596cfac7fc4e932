"""What the halves of a turn have in common: their progress, how they end, and pods that are renewed in place."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from components.operations.api import Cluster, ClusterError
from components.operations.cordon import uncordon
from components.operations.deadline import Deadline, HoldLostError, OperationError, StoppedError, stopping
from components.operations.events import tell
from components.operations.in_place import plan_in_place, renew_one_by_one
from components.operations.marks import assert_there
from components.operations.model import Pod
from components.operations.progress import Progress
from components.operations.step_records import RECORD, HalfRecord, Outcome, records_of
from components.operations.turn.settings import Turn

_STEPS = 7


@contextmanager
def steps(cluster: Cluster, node: str, *, after: int = 0, more: int = 0) -> Iterator[Progress]:
    """Progress of a half turn, told live and on the Node object; and where it was left when it fails or is stopped.

    `after` is the number of steps before this half, `more` of those that turns do not have as a rule.
    """

    def announce(step: str, detail: str, *, outcome: Outcome = "", warning: bool = False) -> None:
        half = HalfRecord(node=node, half=2 if after else 1, outcome=outcome, steps=records_of(progress.times))
        tell(
            cluster, node, reason=f"Migration{(outcome or step).title()}", message=detail,
            warning=warning, annotations={RECORD: half.model_dump_json(exclude_none=True)},
        )  # fmt: skip

    def announce_step(step: str, detail: str) -> None:
        announce(step, detail, outcome="done" if step == "done" else "")

    progress = Progress(node, _STEPS + more, announce_step, _number=after)
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


def assert_renewable(cluster: Cluster, turn: Turn, *, stale: Callable[[Pod], bool]) -> None:
    """Raise OperationError if one of the pods to renew in place may not go, before any is touched."""
    plan_in_place(cluster, turn.node, options=turn.drain, stale=stale, deadline=Deadline(turn.drain.timeout_seconds))


def renew_in_place(
    cluster: Cluster, turn: Turn, *, stale: Callable[[Pod], bool], network: str, progress: Progress
) -> Sequence[str]:
    """The node, which is on `network` now, takes pods again, and its own come back one by one."""
    progress.step("evict", "the node takes pods again; its own are evicted one by one and may come back")
    uncordon(cluster, turn.node)
    return renew_one_by_one(cluster, turn.node, options=turn.drain, stale=stale, network=network, progress=progress)

"""Renews a switched node's pods through the Eviction API, one after the other, so that each may come back on the node.

For clusters with no spare room: nothing has to fit elsewhere, and never more than one pod of the node is away.
"""

from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime

from components.operations.cluster_api.api import Cluster
from components.operations.deadline import Deadline, OperationError, Pending, pause, wait_until
from components.operations.draining.drain import REMEDY, existing_daemon_sets, pods_on
from components.operations.draining.drain_plan import DrainPlan, no_longer_awaited, plan_turn
from components.operations.draining.evictions import Answer, request_eviction, what_holds
from components.operations.draining.replacements import ready_before, wait_for_replacements
from components.operations.objects.model import Pod
from components.operations.progress import Progress
from components.operations.turn_steps.recycle import stale_pods
from components.plurals import many
from stacks.sections.node import DrainSettings


def plan_in_place(
    cluster: Cluster, node: str, *, options: DrainSettings, stale: Callable[[Pod], bool], deadline: Deadline
) -> DrainPlan:
    """The plan of pods to renew; raises OperationError, before any is touched, if the options forbid one of them."""

    def read() -> DrainPlan | Pending:
        pods = stale_pods(cluster, node, stale=stale)
        return plan_turn(pods, daemon_sets=existing_daemon_sets(cluster, pods), options=options)

    plan = wait_until(read, what=f"node {node}: the list of its pods", deadline=deadline, remedy=REMEDY)
    if plan.refusals:
        lines = "\n  ".join([*(each.line for each in plan.refusals), REMEDY])
        raise OperationError(f"node {node}: nothing was evicted:\n  {lines}")
    return plan


def renew_one_by_one(
    cluster: Cluster, node: str, *, options: DrainSettings, stale: Callable[[Pod], bool], network: str,
    progress: Progress,
) -> list[str]:  # fmt: skip
    """Evict each stale pod and wait until its workload is as Ready as before, then the next; returns who was evicted.

    A pod that a budget holds goes to the back of the queue. One deadline covers all evictions, each replacement has
    its own. `network` is what the node is on now, in an operator's words. Raises OperationError with a line a pod for
    what is left.
    """
    deadline = Deadline(options.timeout_seconds)
    plan = plan_in_place(cluster, node, options=options, stale=stale, deadline=deadline)
    queue, evicted, why, held = deque(plan.evict), list[str](), dict[str, str](), 0
    total = len(queue)
    while queue and not deadline.passed:
        pod = queue.popleft()
        wanted = ready_before(cluster, [pod], deadline=deadline) if options.wait_for_replacements else []
        answer = request_eviction(cluster, pod, options=options)
        if answer.refused:
            raise OperationError(f"node {node}: pod {pod.title}: {answer.why}; {REMEDY}")
        if answer.again_seconds or not _went(cluster, node, pod, options=options, deadline=deadline):
            if why.get(pod.uid) != answer.why:
                progress.say(f"pod {pod.title} waits: {answer.why or 'its eviction had no effect'}")
            why[pod.uid] = answer.why or "its eviction had no effect"
            queue.append(pod)
            held = _rest(answer, held + 1, queue=queue, deadline=deadline)
            continue
        held = 0
        wait_for_replacements(
            cluster, node, wanted, timeout_seconds=options.replacements_timeout_seconds, progress=progress,
            in_place=True,
        )  # fmt: skip
        evicted.append(pod.title)
        progress.say(f"{len(evicted)} of {many(total, 'pod')} renewed: {pod.title}")
    if queue:
        raise OperationError(
            f"node {node}: {len(queue)} of {many(total, 'pod')} not on {network} in {deadline.allowed:.0f} s:\n  "
            + "\n  ".join([*(f"pod {pod.title}: {why.get(pod.uid, 'not asked yet')}" for pod in queue), REMEDY])
        )
    return evicted


def _rest(answer: Answer, held: int, *, queue: deque[Pod], deadline: Deadline) -> int:
    """Wait only once every pod of the queue was asked in vain; returns how many in a row were, from now on."""
    if held < len(queue):
        return held
    pause(min(answer.again_seconds or 1.0, deadline.left))
    return 0


def _went(cluster: Cluster, node: str, pod: Pod, *, options: DrainSettings, deadline: Deadline) -> bool:
    """Wait until the evicted pod is gone; False if it does not even terminate."""

    def gone() -> bool | Pending:
        found = next((each for each in pods_on(cluster, node) if each.uid == pod.uid), None)
        now = datetime.now(UTC)
        if found is None or no_longer_awaited(found, options=options, now=now):
            return True
        return Pending(f"it is terminating{what_holds(found, now)}") if found.terminating_since else False

    return wait_until(
        gone,
        what=f"node {node}: pod {pod.title} evicted and gone",
        deadline=deadline,
        remedy=REMEDY,
        every_seconds=0.2,
    )

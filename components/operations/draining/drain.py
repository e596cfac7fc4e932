"""Drains a node through the Eviction API: it honours budgets, bounds each wait, and evicts nothing on a refusal."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from components.operations.cluster_api.api import Cluster
from components.operations.deadline import Deadline, OperationError, Pending, wait_until
from components.operations.draining.drain_plan import DrainPlan, plan_drain
from components.operations.draining.evictions import EvictionQueue
from components.operations.draining.replacements import ready_before, wait_for_replacements
from components.operations.objects.model import Pod
from components.operations.progress import Progress
from components.plurals import many
from stacks.sections.node import DrainSettings

REMEDY = "mend that and run `pulumi up` again, or take the node out of `waves` to give it back"


@dataclass(frozen=True, kw_only=True)
class DrainResult:
    """The result of a drain."""

    evicted: tuple[str, ...]
    left: int
    seconds: float


def pods_on(cluster: Cluster, node: str) -> list[Pod]:
    """Every pod that is bound to the node."""
    return [Pod.read(item) for item in cluster.list("/api/v1/pods", fieldSelector=f"spec.nodeName={node}")]


def existing_daemon_sets(cluster: Cluster, pods: Sequence[Pod]) -> set[tuple[str, str]]:
    """Namespace and name of the DaemonSets that these pods belong to and that exist; the others are not read."""
    named = {(pod.namespace, pod.controller.name) for pod in pods if pod.controller and pod.controller.is_daemon_set}
    return {
        (namespace, name)
        for namespace, name in named
        if cluster.find(f"/apis/apps/v1/namespaces/{namespace}/daemonsets/{name}") is not None
    }


def drain(cluster: Cluster, node: str, *, options: DrainSettings, progress: Progress) -> DrainResult:
    """Evict every pod that a drain may touch, and wait until each is gone and has a Ready replacement elsewhere.

    The node must be cordoned. One deadline covers all evictions, another the replacements; both include times without
    an answer from the API server. Raises OperationError with one line for each pod that is left.
    """
    began, deadline = time.monotonic(), Deadline(options.timeout_seconds)
    plan = _plan(cluster, node, options=options, deadline=deadline)
    if plan.refusals:
        lines = "\n  ".join(each.line for each in plan.refusals)
        raise OperationError(f"node {node} is not drained, nothing was evicted:\n  {lines}")
    progress.say(f"{many(len(plan.evict), 'pod')} to evict: {plan.by_workload()}; {len(plan.leave)} stay")
    wanted = ready_before(cluster, plan.evict, deadline=deadline) if options.wait_for_replacements else []
    queue = EvictionQueue(
        cluster=cluster,
        pods=plan.evict,
        options=options,
        deadline=deadline,
        progress=progress,
        look=lambda: pods_on(cluster, node),
    )
    left = queue.run()
    if left:
        raise OperationError(
            f"node {node} stays cordoned, {len(left)} of {many(len(plan.evict), 'pod')} could not be evicted:\n  "
            + "\n  ".join([*left, REMEDY])
        )
    wait_for_replacements(
        cluster, node, wanted, timeout_seconds=options.replacements_timeout_seconds, progress=progress
    )
    return DrainResult(
        evicted=tuple(pod.title for pod in plan.evict), left=len(plan.leave), seconds=round(time.monotonic() - began, 2)
    )


def _plan(cluster: Cluster, node: str, *, options: DrainSettings, deadline: Deadline) -> DrainPlan:
    def read() -> DrainPlan | Pending:
        pods = pods_on(cluster, node)
        return plan_drain(pods, daemon_sets=existing_daemon_sets(cluster, pods), options=options)

    return wait_until(read, what=f"node {node}: the list of its pods", deadline=deadline, remedy=REMEDY)

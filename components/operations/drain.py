"""Empties a node through the Eviction API: budgets honoured, each wait with a deadline, nothing evicted on refusal."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from components.operations.api import Cluster, ClusterError
from components.operations.deadline import Deadline, OperationError, Pending, pause, wait_until
from components.operations.drain_plan import DrainOptions, DrainPlan, plan_drain
from components.operations.model import Budget, Pod
from components.operations.progress import Progress

_RETRY_SECONDS = 2.0
_AT_ONCE = 20


@dataclass(frozen=True, kw_only=True)
class DrainResult:
    """What a drain did."""

    evicted: tuple[str, ...]
    left: int
    seconds: float


def pods_on(cluster: Cluster, node: str) -> list[Pod]:
    """Every pod that is bound to the node."""
    return [Pod.read(item) for item in cluster.list("/api/v1/pods", fieldSelector=f"spec.nodeName={node}")]


def daemon_sets(cluster: Cluster) -> set[tuple[str, str]]:
    """Namespace and name of every DaemonSet."""
    items = cluster.list("/apis/apps/v1/daemonsets")
    return {(item["metadata"]["namespace"], item["metadata"]["name"]) for item in items}


def drain(cluster: Cluster, node: str, *, options: DrainOptions, progress: Progress) -> DrainResult:
    """Evict every pod that a drain may touch and wait until each is gone and re-created Ready elsewhere.

    The node must be cordoned. Raises OperationError with a line a pod for what could not be evicted in time.
    """
    began = time.monotonic()
    plan = plan_drain(pods_on(cluster, node), daemon_sets=daemon_sets(cluster), options=options)
    if plan.refusals:
        raise OperationError(f"node {node} is not drained, nothing was evicted:\n  " + "\n  ".join(plan.refusals))
    progress.say(f"{len(plan.evict)} pods to evict: {plan.by_workload()}; {len(plan.leave)} stay")
    wanted = _replicas_before(cluster, plan)
    _evict_all(cluster, node, plan, options=options, progress=progress)
    if options.wait_for_replacements:
        _wait_for_replacements(cluster, node, wanted, options=options, progress=progress)
    return DrainResult(
        evicted=tuple(pod.title for pod in plan.evict), left=len(plan.leave), seconds=round(time.monotonic() - began, 2)
    )


def _evict_all(cluster: Cluster, node: str, plan: DrainPlan, *, options: DrainOptions, progress: Progress) -> None:
    deadline = Deadline(options.timeout_seconds)
    with ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix=f"drain-{node}") as pool:
        jobs = [
            pool.submit(_evict_one, cluster, pod, options=options, deadline=deadline, progress=progress)
            for pod in plan.evict
        ]
        faults = []
        for count, job in enumerate(jobs, start=1):
            fault = job.result()
            if fault:
                faults.append(fault)
            else:
                progress.say(f"{count - len(faults)} of {len(jobs)} pods gone")
    if faults:
        raise OperationError(
            f"node {node} stays cordoned, {len(faults)} of {len(jobs)} pods could not be evicted:\n  "
            + "\n  ".join(faults)
            + "\n  mend that and run `pulumi up` again, or take the node out of `waves` to give it back"
        )


def _evict_one(
    cluster: Cluster, pod: Pod, *, options: DrainOptions, deadline: Deadline, progress: Progress
) -> str | None:
    said = ""
    while True:
        try:
            if _request_eviction(cluster, pod, options=options):
                break
            return None
        except ClusterError as error:
            if error.status == 429:
                why = _why_blocked(cluster, pod, error)
            elif error.status == 403 and "is being terminated" in str(error):
                break  # its whole namespace goes: it is being deleted already
            elif error.status == 500:
                return f"pod {pod.title}: the API cannot evict it: {' '.join(error.causes) or error}"
            else:
                return f"pod {pod.title}: {error}"
        if deadline.passed:
            return f"pod {pod.title}: not evicted within {deadline.allowed:.0f} s: {why}"
        if why != said:
            progress.say(f"pod {pod.title} waits: {why}")
            said = why
        pause(min(_RETRY_SECONDS, max(deadline.left, 0.01)))
    return _await_gone(cluster, pod, deadline=deadline)


def _request_eviction(cluster: Cluster, pod: Pod, *, options: DrainOptions) -> bool:
    """Ask for the pod's eviction; False if that very pod is gone already."""
    if options.disable_eviction:
        return cluster.delete(pod.path, uid=pod.uid, grace_period_seconds=options.grace_period_seconds)
    delete_options: dict[str, object] = {"preconditions": {"uid": pod.uid}}
    if options.grace_period_seconds is not None:
        delete_options["gracePeriodSeconds"] = options.grace_period_seconds
    body = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod.name, "namespace": pod.namespace},
        "deleteOptions": delete_options,
    }
    try:
        cluster.create(f"{pod.path}/eviction", body)
    except ClusterError as error:
        # 409: a pod of the same name lives on, but not the one that was on the node.
        if error.status in (404, 409):
            return False
        raise
    return True


def _why_blocked(cluster: Cluster, pod: Pod, error: ClusterError) -> str:
    try:
        items = cluster.list(f"/apis/policy/v1/namespaces/{pod.namespace}/poddisruptionbudgets")
    except ClusterError:
        items = []
    covering = [budget for budget in map(Budget.read, items) if budget.covers(pod)]
    return "; ".join(budget.numbers for budget in covering) or " ".join(error.causes) or str(error)


def _await_gone(cluster: Cluster, pod: Pod, *, deadline: Deadline) -> str | None:
    while True:
        try:
            item = cluster.find(pod.path)
        except ClusterError as error:
            return f"pod {pod.title}: {error}"
        if item is None or item["metadata"]["uid"] != pod.uid:
            return None
        if deadline.passed:
            finalizers = item["metadata"].get("finalizers") or []
            held = f", held by finalizers {', '.join(finalizers)}" if finalizers else ""
            return f"pod {pod.title}: evicted, but still terminating after {deadline.allowed:.0f} s{held}"
        pause(min(0.5, max(deadline.left, 0.01)))


Owner = tuple[str, str, str]
_OWNER_PATHS = {
    "ReplicaSet": "/apis/apps/v1/namespaces/{}/replicasets/{}",
    "StatefulSet": "/apis/apps/v1/namespaces/{}/statefulsets/{}",
    "ReplicationController": "/api/v1/namespaces/{}/replicationcontrollers/{}",
}


def _owners(pods: Sequence[Pod]) -> set[Owner]:
    return {
        (pod.controller.kind, pod.namespace, pod.controller.name)
        for pod in pods
        if pod.controller and not pod.finished and pod.controller.kind in _OWNER_PATHS
    }


def _replicas_before(cluster: Cluster, plan: DrainPlan) -> dict[Owner, int]:
    """How many pods of each owner were Ready: what was broken before the drain is not waited for after it."""
    ready = {}
    for kind, namespace, name in _owners(plan.evict):
        item = cluster.find(_OWNER_PATHS[kind].format(namespace, name))
        if item is not None:
            ready[kind, namespace, name] = int((item.get("status") or {}).get("readyReplicas") or 0)
    return ready


def _wait_for_replacements(
    cluster: Cluster, node: str, wanted: dict[Owner, int], *, options: DrainOptions, progress: Progress
) -> None:
    def missing() -> Pending | None:
        short = []
        for (kind, namespace, name), before in sorted(wanted.items()):
            item = cluster.find(_OWNER_PATHS[kind].format(namespace, name))
            if item is None:
                continue  # a newer ReplicaSet took its place, or the user removed it
            needed = min(before, int((item.get("spec") or {}).get("replicas") or 0))
            ready = int((item.get("status") or {}).get("readyReplicas") or 0)
            if ready < needed:
                short.append(f"{kind} {namespace}/{name} has {ready} of {needed} pods Ready")
        return Pending("; ".join(short)) if short else None

    if wanted:
        progress.say(f"waiting for the replacements of {len(wanted)} workloads to be Ready elsewhere")
    wait_until(
        missing,
        what=f"node {node}: replacements of its pods on other nodes",
        deadline=Deadline(options.replacements_timeout_seconds),
        remedy=f"`kubectl get pods -A -o wide` shows what they wait for; {node} stays cordoned; then `pulumi up` again",
    )

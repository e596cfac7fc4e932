"""Waits until the workloads of a drained node have as many Ready pods as before, and reports those that do not."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from components.operations.cluster_api.api import Cluster
from components.operations.deadline import Deadline, Pending, wait_until
from components.operations.objects.model import Pod, condition_is_true
from components.operations.progress import Progress
from components.operations.selectors import Object
from components.plurals import many

_COLLECTIONS = {
    ("apps/v1", "Deployment"): "/apis/apps/v1/namespaces/{}/deployments/{}",
    ("apps/v1", "ReplicaSet"): "/apis/apps/v1/namespaces/{}/replicasets/{}",
    ("apps/v1", "StatefulSet"): "/apis/apps/v1/namespaces/{}/statefulsets/{}",
    ("v1", "ReplicationController"): "/api/v1/namespaces/{}/replicationcontrollers/{}",
}
# Pods are listed to explain a shortage; there may be many, so not at every poll.
_EXPLAIN_SECONDS = 3.0


@dataclass(frozen=True, kw_only=True)
class Workload:
    """A controller of the node's pods, and the number of its pods that were Ready before the drain."""

    kind: str
    namespace: str
    name: str
    path: str
    ready: int

    @property
    def title(self) -> str:
        """`Deployment shop/web`."""
        return f"{self.kind} {self.namespace}/{self.name}"


def ready_before(cluster: Cluster, pods: Sequence[Pod], *, deadline: Deadline) -> list[Workload]:
    """The workloads of the pods; a ReplicaSet is replaced by its Deployment, as an update makes another ReplicaSet.

    Pods that were not Ready before the drain are not waited for after it.
    """
    owners = sorted(
        {
            (pod.controller.api_version, pod.controller.kind, pod.namespace, pod.controller.name)
            for pod in pods
            if pod.controller and not pod.finished
        }
    )

    def read() -> list[Workload] | Pending:
        found: dict[str, Workload] = {}
        for owner in owners:
            workload = _read(cluster, *owner)
            if workload:
                found[workload.path] = workload
        return list(found.values())

    return wait_until(
        read, what="the workloads of the pods to evict", deadline=deadline, remedy="look at the API server"
    )


def _read(cluster: Cluster, version: str, kind: str, namespace: str, name: str) -> Workload | None:
    if (version, kind) not in _COLLECTIONS:
        return None
    path = _COLLECTIONS[version, kind].format(namespace, name)
    item = cluster.find(path)
    if item is None:
        return None
    for owner in item["metadata"].get("ownerReferences") or []:
        if owner.get("controller") and (owner["apiVersion"], owner["kind"]) in _COLLECTIONS:
            above = _read(cluster, owner["apiVersion"], owner["kind"], namespace, owner["name"])
            if above:
                return above
    return Workload(kind=kind, namespace=namespace, name=name, path=path, ready=_ready(item))


def wait_for_replacements(
    cluster: Cluster, node: str, wanted: Sequence[Workload], *, timeout_seconds: float, progress: Progress,
    in_place: bool = False,
) -> None:  # fmt: skip
    """Return once each workload has its Ready pods again; OperationError names those that have not, and why."""
    watch = _Watch(cluster, node, list(wanted), progress)
    if wanted and not in_place:
        progress.say(f"waiting for the replacements of {many(len(wanted), 'workload')} to be Ready elsewhere")
    wait_until(
        watch.look,
        what=f"node {node}: replacements of its pods{'' if in_place else ' on other nodes'}",
        deadline=Deadline(timeout_seconds),
        remedy=f"{'' if in_place else f'{node} stays cordoned; '}mend that and run `pulumi up` again, or set "
        "drain.waitForReplacements to false if these pods can be missed "
        + ("for a while" if in_place else "until the node is back"),
    )


@dataclass
class _Watch:
    cluster: Cluster
    node: str
    short: list[Workload]
    progress: Progress
    said: str = ""
    explained: dict[str, tuple[float, str]] = field(default_factory=dict)

    def look(self) -> Pending | None:
        """The workloads still short of Ready pods; one that had enough once is not read again."""
        reasons = {workload.path: self._why_short(workload) for workload in self.short}
        self.short = [workload for workload in self.short if reasons[workload.path]]
        if not self.short:
            return None
        why = "; ".join(reasons[workload.path] for workload in self.short)
        if why != self.said:
            self.progress.say(why)
            self.said = why
        return Pending(why)

    def _why_short(self, workload: Workload) -> str:
        item = self.cluster.find(workload.path)
        if item is None:
            return ""  # deleted by the user in the meantime
        needed = min(workload.ready, int((item.get("spec") or {}).get("replicas") or 0))
        if _ready(item) < needed:
            return f"{workload.title} has {_ready(item)} of {many(needed, 'pod')} Ready{self._explain(workload, item)}"
        # The status lags behind the pods, so the pods decide.
        ready = sum(_is_up(pod) for pod in self._pods(workload, item))
        return f"{workload.title} has {ready} of {many(needed, 'pod')} Ready" if ready < needed else ""

    def _explain(self, workload: Workload, item: Object) -> str:
        at, text = self.explained.get(workload.path, (0.0, ""))
        if not at or time.monotonic() - at > _EXPLAIN_SECONDS:
            waiting = sorted(why_not_up(pod) for pod in self._pods(workload, item) if not _is_up(pod))
            trouble = [each.get("message", "") for each in _conditions(item) if _is_failure(each)]
            text = "; ".join([*trouble, *(line for line in waiting if line)])
            self.explained[workload.path] = time.monotonic(), text
        return f" ({text})" if text else ""

    def _pods(self, workload: Workload, item: Object) -> Sequence[Object]:
        selector = (item.get("spec") or {}).get("selector") or {}
        if workload.kind == "ReplicationController":
            selector = {"matchLabels": selector}
        return self.cluster.list(f"/api/v1/namespaces/{workload.namespace}/pods", labelSelector=selector_text(selector))


def selector_text(selector: Object) -> str:
    """A selector in the API's JSON as a query parameter."""
    words = [f"{key}={value}" for key, value in (selector.get("matchLabels") or {}).items()]
    for rule in selector.get("matchExpressions") or []:
        values = f"({','.join(rule.get('values') or [])})"
        words.append(
            {
                "In": f"{rule['key']} in {values}",
                "NotIn": f"{rule['key']} notin {values}",
                "Exists": rule["key"],
                "DoesNotExist": f"!{rule['key']}",
            }[rule["operator"]]
        )
    return ",".join(words)


def why_not_up(item: Object) -> str:
    """The scheduler's or the kubelet's reason why a pod is not Ready; empty for a pod that is terminating."""
    metadata, status = item["metadata"], item.get("status") or {}
    if metadata.get("deletionTimestamp") or status.get("phase") in ("Succeeded", "Failed"):
        return ""
    name = f"pod {metadata['name']}"
    for each in _conditions(item):
        if each.get("type") == "PodScheduled" and each.get("status") == "False":
            return f"{name} is {(each.get('reason') or 'not scheduled').lower()}: {each.get('message', '')}"
    for container in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        waiting: Mapping[str, str] = (container.get("state") or {}).get("waiting") or {}
        if waiting:
            return f"{name} waits: {waiting.get('reason', '')} {waiting.get('message', '')}".rstrip()
    where = (item.get("spec") or {}).get("nodeName")
    return f"{name} on {where} is not Ready" if where else f"{name} is not scheduled yet"


def _conditions(item: Object) -> Sequence[Object]:
    return (item.get("status") or {}).get("conditions") or []


def _is_failure(condition: Object) -> bool:
    return condition.get("type") == "ReplicaFailure" and condition.get("status") == "True"


def _is_up(item: Object) -> bool:
    return condition_is_true(item, "Ready") and not item["metadata"].get("deletionTimestamp")


def _ready(item: Object) -> int:
    return int((item.get("status") or {}).get("readyReplicas") or 0)

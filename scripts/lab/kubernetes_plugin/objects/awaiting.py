"""Waits until an object is ready: conditions by kind, with messages, and the wait itself."""

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any

from scripts.lab.kubernetes_plugin.cluster import ApiError, Cluster, kind_of, namespace_of, title
from scripts.lab.kubernetes_plugin.errors import CancelledError, PluginError, UnreachableError
from scripts.lab.kubernetes_plugin.objects.annotations import SKIP_AWAIT, WAIT_FOR, annotation, is_set, metadata
from scripts.lab.kubernetes_plugin.protocol.tokens import Kind

DEFAULT_SECONDS = 600.0
DELETE_SECONDS = 300.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 2.0
_PODS_NAMED = 5
_ENDPOINTS, _POD = Kind("", "v1", "Endpoints"), Kind("", "v1", "Pod")
# Kinds that upstream's waits read in addition to the object itself.
_FOLLOWED = {
    "Service": (_ENDPOINTS,),
    "Deployment": (Kind("apps", "v1", "ReplicaSet"), _POD, Kind("", "v1", "PersistentVolumeClaim")),
    "DaemonSet": (_POD,),
    "StatefulSet": (_POD,),
}

Object = Mapping[str, Any]


@dataclass
class NotReadyError(PluginError):
    """The wait failed; `live` is the object as last seen."""

    live: dict[str, Any]
    reasons: list[str]

    def __str__(self) -> str:
        return "; ".join(self.reasons)


class HopelessError(Exception):
    """The object failed permanently: waiting longer cannot help."""


def missing(live: Object, cluster: Cluster) -> list[str]:
    """The reasons why the object is not ready yet; empty if it is, or if its kind needs no wait."""
    if is_set(live, SKIP_AWAIT):
        return []
    kind = kind_of(live)
    check = _CHECKS.get((kind.group, kind.name))
    found = check(live, cluster) if check else []
    return found + _missing_by_annotation(live)


def wait_ready(
    live: dict[str, Any], cluster: Cluster, *, seconds: float, cancelled: Event, say: Callable[[str], None]
) -> dict[str, Any]:
    """The object once it is ready; raises NotReadyError at the deadline, or if the object failed permanently."""
    kind, namespace, name = kind_of(live), namespace_of(live), metadata(live)["name"]
    deadline, pause = time.monotonic() + seconds, _FIRST_PAUSE
    if (kind.group, kind.name) in _CHECKS and not is_set(live, SKIP_AWAIT):
        _follow(live, cluster, [kind, *_FOLLOWED.get(kind.name, ())], deadline=deadline, cancelled=cancelled)
    while True:
        try:
            reasons = missing(live, cluster)
        except HopelessError as error:
            raise NotReadyError(live, [f"{title(live)} failed: {error}"]) from None
        except UnreachableError as error:
            # A control plane may restart during a wait; only the deadline ends it.
            reasons = [str(error)]
        if not reasons:
            return live
        say(reasons[0])
        if time.monotonic() > deadline:
            first = f"{title(live)} is not ready after {seconds:.0f} s: {reasons[0]}"
            raise NotReadyError(live, [first, *reasons[1:]])
        if cancelled.wait(pause):
            raise NotReadyError(live, [f"{title(live)}: waiting was cancelled: {reasons[0]}"])
        pause = min(pause * 1.5, _LONGEST_PAUSE)
        try:
            found = cluster.find(kind, namespace, name)
        except (UnreachableError, ApiError):
            continue
        if found is None:
            raise NotReadyError(live, [f"{title(live)} was deleted while waiting for it to be ready"])
        live = found


def wait_gone(live: Object, cluster: Cluster, *, seconds: float, cancelled: Event, say: Callable[[str], None]) -> None:
    """Return once the object is gone (or another has its name); raises NotReadyError at the deadline."""
    deadline, pause = time.monotonic() + seconds, _FIRST_PAUSE
    _follow(dict(live), cluster, [kind_of(live)], deadline=deadline, cancelled=cancelled)
    while True:
        found = cluster.find(kind_of(live), namespace_of(live), metadata(live)["name"])
        if found is None or metadata(found).get("uid") != metadata(live).get("uid"):
            return
        finalizers = ", ".join(metadata(found).get("finalizers") or [])
        say("being deleted" + (f", held by {finalizers}" if finalizers else ""))
        if time.monotonic() > deadline:
            held = f"its finalizers {finalizers} hold it" if finalizers else "nothing says why"
            raise NotReadyError(found, [f"{title(found)} is still there {seconds:.0f} s after its deletion: {held}"])
        if cancelled.wait(pause):
            raise CancelledError(f"{title(found)}: waiting for its deletion was cancelled")
        pause = min(pause * 1.5, _LONGEST_PAUSE)


def _follow(
    live: dict[str, Any], cluster: Cluster, kinds: Sequence[Kind], *, deadline: float, cancelled: Event
) -> None:
    """Time out like upstream if the user may not list and watch the kinds that upstream's waits read."""
    if not all(cluster.may_follow(each, namespace_of(live)) for each in kinds):
        cancelled.wait(max(deadline - time.monotonic(), 0))
        raise NotReadyError(live, [f"{title(live)}: timed out"])


def _status(live: Object) -> dict[str, Any]:
    return dict(live.get("status") or {})


def _condition(live: Object, name: str) -> dict[str, Any]:
    for condition in _status(live).get("conditions") or []:
        if condition.get("type") == name:
            return dict(condition)
    return {}


def _unseen(live: Object) -> bool:
    # Until its controller has seen the new generation, the status is that of the old one.
    return int(_status(live).get("observedGeneration", 0)) < int(metadata(live).get("generation", 0))


def _deployment(live: Object, cluster: Cluster) -> list[str]:
    status, wanted = _status(live), int(live["spec"].get("replicas", 1))
    if _unseen(live):
        return ["its controller has not seen the change yet"]
    updated, available = int(status.get("updatedReplicas", 0)), int(status.get("availableReplicas", 0))
    old = int(status.get("replicas", 0)) - updated
    if updated >= wanted and old <= 0 and available >= wanted:
        return []
    progress = _condition(live, "Progressing")
    stalled = [str(progress.get("message"))] if progress.get("status") == "False" else []
    first = f"{updated} of {wanted} pods are of the new version, {available} available"
    return [first + (f", {old} old" if old > 0 else ""), *stalled, *_unready_pods(live, cluster)]


def _stateful_set(live: Object, cluster: Cluster) -> list[str]:
    status, spec = _status(live), live["spec"]
    wanted, ready = int(spec.get("replicas", 1)), int(status.get("readyReplicas", 0))
    rolling = (spec.get("updateStrategy") or {}).get("type", "RollingUpdate") == "RollingUpdate"
    partition = int(((spec.get("updateStrategy") or {}).get("rollingUpdate") or {}).get("partition", 0))
    if _unseen(live):
        return ["its controller has not seen the change yet"]
    updated = int(status.get("updatedReplicas", 0))
    if rolling and updated < wanted - partition:
        return [f"{updated} of {wanted - partition} pods are of the new version", *_unready_pods(live, cluster)]
    return [] if ready >= wanted else [f"{ready} of {wanted} pods are ready", *_unready_pods(live, cluster)]


def _daemon_set(live: Object, cluster: Cluster) -> list[str]:
    status = _status(live)
    on_delete = (live["spec"].get("updateStrategy") or {}).get("type") == "OnDelete"
    if _unseen(live):
        return ["its controller has not seen the change yet"]
    wanted = int(status.get("desiredNumberScheduled", 0))
    updated, available = int(status.get("updatedNumberScheduled", 0)), int(status.get("numberAvailable", 0))
    # With OnDelete, old pods stay until a user deletes them: that is no failure.
    if available >= wanted and (on_delete or updated >= wanted):
        return []
    return [
        f"of {wanted} nodes, {updated} have a pod of the new version and {available} one that is available",
        *_unready_pods(live, cluster),
    ]


def _job(live: Object, cluster: Cluster) -> list[str]:
    if _condition(live, "Complete").get("status") == "True":
        return []
    failure = _condition(live, "Failed")
    if failure.get("status") == "True":
        raise HopelessError(f"{failure.get('reason')}: {failure.get('message')}")
    succeeded, wanted = int(_status(live).get("succeeded", 0)), live["spec"].get("completions", 1)
    return [f"{succeeded} of {wanted} pods have succeeded", *_unready_pods(live, cluster)]


def _pod(live: Object, cluster: Cluster) -> list[str]:
    del cluster
    phase = _status(live).get("phase", "Pending")
    if phase == "Succeeded" or _condition(live, "Ready").get("status") == "True":
        return []
    if phase == "Failed":
        reason = _status(live).get("message") or _status(live).get("reason")
        raise HopelessError(str(reason or "its containers ended with an error"))
    return [_pod_trouble(live)]


def _service(live: Object, cluster: Cluster) -> list[str]:
    spec = live["spec"]
    if spec.get("type") == "LoadBalancer" and not (_status(live).get("loadBalancer") or {}).get("ingress"):
        return ["no load balancer address has been given to it"]
    if spec.get("type") == "ExternalName" or spec.get("clusterIP") == "None" or not spec.get("selector"):
        return []
    found = cluster.named(_ENDPOINTS, namespace_of(live), metadata(live)["name"])
    ready = [subset for each in found for subset in each.get("subsets") or [] if subset.get("addresses")]
    return [] if ready else ["no ready pod matches its selector"]


def _namespace(live: Object, cluster: Cluster) -> list[str]:
    del cluster
    phase = _status(live).get("phase")
    return [] if phase == "Active" else [f"it is {phase or 'not active yet'}"]


def _definition(live: Object, cluster: Cluster) -> list[str]:
    refused = _condition(live, "NamesAccepted")
    if refused.get("status") == "False":
        raise HopelessError(str(refused.get("message")))
    if _condition(live, "Established").get("status") != "True":
        return ["the API server does not serve it yet"]
    cluster.forget_kinds()
    return []


_Check = Callable[[Object, Cluster], list[str]]
_CHECKS: dict[tuple[str, str], _Check] = {
    ("apps", "Deployment"): _deployment,
    ("apps", "StatefulSet"): _stateful_set,
    ("apps", "DaemonSet"): _daemon_set,
    ("batch", "Job"): _job,
    ("", "Pod"): _pod,
    ("", "Service"): _service,
    ("", "Namespace"): _namespace,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _definition,
}


def _unready_pods(live: Object, cluster: Cluster) -> list[str]:
    labels = ((live["spec"].get("selector") or {}).get("matchLabels")) or {}
    if not labels:
        return []
    pods = cluster.labelled(
        _POD, namespace_of(live), labels=",".join(f"{key}={value}" for key, value in labels.items())
    )
    unready = [
        pod
        for pod in pods
        if _condition(pod, "Ready").get("status") != "True" and _status(pod).get("phase") != "Succeeded"
    ]
    told = [f"Pod {metadata(pod)['name']}: {_pod_trouble(pod)}" for pod in unready[:_PODS_NAMED]]
    more = len(unready) - _PODS_NAMED
    return [*told, f"and {more} more pods"] if more > 0 else told


def _pod_trouble(pod: Object) -> str:
    status = _status(pod)
    for container in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        state = container.get("state") or {}
        waiting, ended = state.get("waiting") or {}, state.get("terminated") or {}
        if waiting.get("reason") and waiting["reason"] not in ("PodInitializing", "ContainerCreating"):
            message = waiting.get("message", "no message")
            return f"container {container['name']} is waiting: {waiting['reason']} ({message})"
        if ended.get("exitCode"):
            return f"container {container['name']} ended with exit code {ended['exitCode']} ({ended.get('reason', '')})"
    scheduled = _condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        return f"not scheduled: {scheduled.get('message')}"
    ready = _condition(pod, "Ready")
    return str(ready.get("message") or f"phase {status.get('phase', 'Pending')}, not ready yet")


def _missing_by_annotation(live: Object) -> list[str]:
    wanted = annotation(live, WAIT_FOR)
    if not wanted:
        return []
    try:
        expressions = json.loads(wanted)
    except ValueError:
        expressions = wanted
    each = expressions if isinstance(expressions, list) else [wanted]
    return [f"waits for {expression}" for expression in each if not _holds(live, str(expression))]


def _holds(live: Object, expression: str) -> bool:
    form, _, rest = expression.partition("=")
    if form == "condition":
        name, _, value = rest.partition("=")
        return str(_condition(live, name).get("status", "")).lower() == (value or "True").lower()
    match = re.fullmatch(r"\{?\.?([A-Za-z0-9_.\[\]-]+)\}?(?:=(.*))?", rest)
    if form != "jsonpath" or not match:
        raise PluginError(
            f"{title(live)}: annotation {WAIT_FOR} says {expression!r}; give condition=Type[=Status] "
            "or jsonpath={.field.field}[=value]"
        )
    found: Any = live
    for part in re.findall(r"[^.\[\]]+", match[1]):
        found = found[int(part)] if isinstance(found, list) and part.isdigit() else dict(found or {}).get(part)
    return found not in (None, "") if match[2] is None else str(found) == match[2].strip("'\"")

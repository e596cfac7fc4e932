"""The start of one of this program's pods, and early detection of pods that will never run."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError, Object
from components.operations.deadline import OperationError, Pending
from components.operations.our_pods.refusals import pods_of

# Container states that a kubelet does not recover from, with the remedy.
_NEVER = {
    "InvalidImageName": "mend probe.image or pods.registry",
    "ErrImageNeverPull": "bring the image to the node, as nothing may pull it there",
    "CreateContainerConfigError": "mend what it says: the image's user, a Secret or a ConfigMap",
    "CreateContainerError": "look at the node's container runtime",
    "RunContainerError": "look at the node's container runtime",
    "StartError": "see that probe.image has python3 and /bin/sh",
}
_PULLING = {"ErrImagePull", "ImagePullBackOff", "RegistryUnavailable", "ImageInspectError", "SignatureValidationFailed"}
_PULL_REMEDY = (
    "see that the node reaches the image's registry and may pull from it (probe.image, pods.registry, "
    "pods.pullSecrets; `.venv/bin/python -m scripts.images` lists what must be there)"
)
_PULL_SECONDS = 20.0  # a second try, ten seconds after the first
_LOOK_FOR_EVENTS_SECONDS = 3.0
# Reasons of a kubelet that refused the pod, by their prefixes.
_REJECTED = (
    ("OutOf", "make room on the node, or have our pods ask for less by pods.resources"),
    ("NodeAffinity", "take out of pods.nodeSelector what the node has no label for"),
    ("Evicted", "the node lacks memory, disk or process ids: mend that"),
    ("Preempti", "a pod of higher priority took its place: set pods.priorityClass"),
    ("Terminated", "the node is being shut down: wait until it is back"),
    ("NodeShutdown", "the node is being shut down: wait until it is back"),
)
_LOOK_AT_KUBELET = "look at the node's kubelet"


class Start:
    """Watches one pod until it runs, or until it certainly never will; `of` is its purpose, for messages."""

    def __init__(self, cluster: Cluster, name: str, *, namespace: str, of: str) -> None:
        self._cluster, self._name, self._namespace, self._of = cluster, name, namespace, of
        self._began = time.monotonic()
        self._pulling_since: float | None = None
        self._event, self._next_event = "", self._began + _LOOK_FOR_EVENTS_SECONDS

    @property
    def _title(self) -> str:
        return f"{self._namespace}/{self._name}"

    def look(self) -> Object | Pending:
        """The pod once its containers run or have run; raises OperationError at once if they never will."""
        item = self._cluster.find(f"{pods_of(self._namespace)}/{self._name}")
        if item is None:
            raise self._error("was deleted by somebody else", "see who deletes pods there")
        status = item.get("status") or {}
        reason = str(status.get("reason") or "")
        if status.get("phase") == "Failed" and (reason or not _ran(status)):
            remedy = next((text for word, text in _REJECTED if reason.startswith(word)), _LOOK_AT_KUBELET)
            said = ": ".join(filter(None, (reason or "it did not say why", status.get("message"))))
            raise self._error(f"was {'ended' if _ran(status) else 'refused'} by the node's kubelet: {said}", remedy)
        if status.get("phase") in ("Succeeded", "Failed"):
            return item
        for name, why, message in _waiting(status):
            self._judge(f"container {name}: " + ": ".join(filter(None, (why, message))), why)
        if status.get("phase") == "Running" and not any(_waiting(status)):
            return item
        return Pending(self.why(item))

    def _judge(self, said: str, reason: str) -> None:
        if reason in _NEVER:
            raise self._error(f"cannot start: {said}", _NEVER[reason])
        if reason not in _PULLING:
            return
        self._pulling_since = self._pulling_since or time.monotonic()
        if time.monotonic() - self._pulling_since >= _PULL_SECONDS:
            raise self._error(f"cannot start: {said}", _PULL_REMEDY)

    def why(self, item: Object) -> str:
        """The reason why it waits: from its containers, the scheduler and, after a while, its latest warning Event."""
        status = item.get("status") or {}
        words = [" ".join(filter(None, (reason, message))) for _, reason, message in _waiting(status)]
        conditions = status.get("conditions") or []
        words += [
            str(each.get("message") or each.get("reason"))
            for each in conditions
            if each.get("type") == "PodScheduled" and each.get("status") == "False"
        ]
        if time.monotonic() >= self._next_event:
            self._event, self._next_event = self._warning(item), time.monotonic() + _LOOK_FOR_EVENTS_SECONDS
        phase = str(status.get("phase") or "Pending")
        return f"pod {self._title} is {': '.join(filter(None, (phase, *words, self._event)))}"

    def _warning(self, item: Object) -> str:
        path = f"/api/v1/namespaces/{self._namespace}/events"
        try:
            events = self._cluster.list(path, fieldSelector=f"involvedObject.uid={item['metadata']['uid']}")
        except ClusterError as error:
            return f"its events cannot be read ({error.said})"
        warnings = [each for each in events if each.get("type") == "Warning"]
        warnings.sort(key=lambda each: str(each.get("lastTimestamp") or each.get("eventTime") or ""))
        return f"{warnings[-1].get('reason')}: {warnings[-1].get('message')}" if warnings else ""

    def _error(self, fact: str, remedy: str) -> OperationError:
        return OperationError(f"{self._of}: its pod {self._title} {fact}: {remedy}; then `pulumi up` again")


def end_of(item: Object) -> str:
    """The exit of a pod's containers as the kubelet reports it: `exit code 137, OOMKilled`."""
    ended = [
        each["state"]["terminated"]
        for each in (item.get("status") or {}).get("containerStatuses") or []
        if "terminated" in (each.get("state") or {})
    ]
    return ", ".join(
        f"exit code {each.get('exitCode')}"
        + (f", {each['reason']}" if each.get("reason") not in (None, "Error", "Completed") else "")
        + (": raise pods.resources.limits.memory" if each.get("reason") == "OOMKilled" else "")
        for each in ended
    )


def _ran(status: Mapping[str, Any]) -> bool:
    """True if one of its containers ran; a pod that a kubelet refused has none with a state."""
    return any(
        "terminated" in (each.get("state") or {}) or "running" in (each.get("state") or {})
        for each in [*(status.get("containerStatuses") or []), *(status.get("initContainerStatuses") or [])]
    )


def _waiting(status: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Name, reason and message of each container that waits."""
    for each in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        waiting = (each.get("state") or {}).get("waiting")
        if waiting is not None:
            yield str(each.get("name")), str(waiting.get("reason") or ""), str(waiting.get("message") or "")

"""The `status` that a kubelet writes for a pod in each stage of its life."""

from datetime import UTC, datetime
from typing import Any

from scripts.lab.simulated.client import Object

_KUBELETS = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady")


def now() -> str:
    """The current time in the API's format."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _conditions(pod: Object, *, started: bool, ready: bool, why: str = "") -> list[Object]:
    others = [each for each in (pod.get("status") or {}).get("conditions") or [] if each["type"] not in _KUBELETS]
    states = dict(zip(_KUBELETS, (started, started, ready, ready), strict=True))
    reason = {} if ready else {"reason": why or "ContainersNotReady"}
    ours = [
        {"type": kind, "status": "True" if state else "False", "lastTransitionTime": now(), **({} if state else reason)}
        for kind, state in states.items()
    ]
    return others + ours


def _containers(pod: Object, key: str, *, runs: int, ready: bool, state: Object) -> list[Object]:
    uid = pod["metadata"]["uid"]
    return [
        {
            "name": each["name"],
            "image": each.get("image", ""),
            "imageID": "",
            "containerID": f"containerd://{uid}-{each['name']}-{runs}" if "waiting" not in state else "",
            "ready": ready,
            "started": "running" in state,
            "restartCount": max(0, runs - 1),
            "state": state,
        }
        for each in pod["spec"].get(key) or []
    ]


def _ended(exit_code: int) -> Object:
    reason = "Completed" if exit_code == 0 else "Error"
    return {"terminated": {"exitCode": exit_code, "reason": reason, "startedAt": now(), "finishedAt": now()}}


def _addresses(address: str, host: str) -> Object:
    return {
        "hostIP": host or None,
        "hostIPs": [{"ip": host}] if host else None,
        "podIP": address or None,
        "podIPs": [{"ip": address}] if address else None,
    }


def running(pod: Object, *, address: str, host: str, runs: int, ready: bool) -> Object:
    """The status while its containers run, and answer if `ready`."""
    state = {"running": {"startedAt": now()}}
    return {
        "phase": "Running",
        "startTime": (pod.get("status") or {}).get("startTime") or now(),
        **_addresses(address, host),
        "conditions": _conditions(pod, started=True, ready=ready),
        "initContainerStatuses": _containers(pod, "initContainers", runs=runs, ready=True, state=_ended(0)) or None,
        "containerStatuses": _containers(pod, "containers", runs=runs, ready=ready, state=state),
    }


def waiting(pod: Object, *, address: str, host: str, runs: int, reason: str) -> Object:
    """The status while its containers wait for a reason; a pod that ran before stays Running, as in the API."""
    state = {"waiting": {"reason": reason}}
    return {
        "phase": "Running" if runs else "Pending",
        **_addresses(address, host),
        "conditions": _conditions(pod, started=False, ready=False),
        "containerStatuses": _containers(pod, "containers", runs=runs, ready=False, state=state),
    }


def finished(pod: Object, *, exit_code: int, runs: int) -> dict[str, Any]:
    """The status after its containers have completed."""
    return {
        "phase": "Succeeded" if exit_code == 0 else "Failed",
        "conditions": _conditions(pod, started=True, ready=False, why="PodCompleted"),
        "containerStatuses": _containers(pod, "containers", runs=runs, ready=False, state=_ended(exit_code)),
    }


def is_ready(pod: Object) -> bool:
    """True if the pod is Ready in the API."""
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)

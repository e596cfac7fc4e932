"""Pods that are renewed on their node, and whose readiness is waited for."""

import json
from typing import Any

import pytest

from components.operations.api import Cluster
from components.operations.deadline import OperationError
from components.operations.marks import NOT_READY_BEFORE
from components.operations.model import Pod
from components.operations.progress import Progress
from components.operations.readiness import not_ready_before, remember_not_ready
from components.operations.recycle import recycle

OLD, NEW = "10.244", "10.8"


class Kubelet(Cluster):
    """One node whose pods are made anew, each on the new network; `ill` are never Ready, `late` no more after it."""

    def __init__(self, *names: str, ill: tuple[str, ...] = (), late: tuple[str, ...] = ()) -> None:
        self.ill, self.late = ill, late
        self.annotations: dict[str, str] = {}
        self.deleted: list[str] = []
        self.pods = {name: self._pod(name, OLD, ready=name not in ill) for name in names}

    @staticmethod
    def _pod(name: str, network: str, *, ready: bool, phase: str = "Running") -> dict[str, Any]:
        owner = {"controller": True, "kind": "DaemonSet", "name": name, "apiVersion": "apps/v1"}
        return {
            "metadata": {
                "namespace": "kube-system",
                "name": name,
                "uid": f"{network}-{name}",
                "ownerReferences": [owner],
            },
            "spec": {"nodeName": "worker-1", "containers": [{"name": "main"}]},
            "status": {
                "podIP": f"{network}.1.5",
                "phase": phase,
                "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
            },
        }

    def list(self, path: str, **_query: Any) -> list[dict[str, Any]]:
        return list(self.pods.values())

    def get(self, path: str, **_query: Any) -> dict[str, Any]:
        return {"metadata": {"name": "worker-1", "annotations": self.annotations}}

    def patch(self, path: str, body: dict[str, Any], *, strategic: bool = False) -> dict[str, Any]:
        self.annotations |= body["metadata"]["annotations"]
        return {}

    def delete(self, path: str, **_options: Any) -> bool:
        name = path.rpartition("/")[2]
        self.deleted.append(name)
        self.pods[name] = self._pod(name, NEW, ready=name not in (*self.ill, *self.late))
        return True


def stale(pod: Pod) -> bool:
    return pod.address_in("10.244.0.0/16")


def renew(cluster: Kubelet, *, seconds: float = 5, **more: Any) -> list[str]:
    return recycle(
        cluster, "worker-1", stale=stale, network="Flannel", timeout_seconds=seconds,
        progress=Progress("worker-1", 7), **more,
    )  # fmt: skip


def test_what_was_not_ready_before_is_renewed_and_not_waited_for(capfd: pytest.CaptureFixture[str]) -> None:
    cluster = Kubelet("logs", "gpu", ill=("gpu",))
    assert renew(cluster) == ["kube-system/logs", "kube-system/gpu"]
    assert "not waited for, as not Ready before: DaemonSet kube-system/gpu" in capfd.readouterr().err


def test_what_was_ready_before_is_waited_for() -> None:
    cluster = Kubelet("logs", "gpu", late=("gpu",))
    with pytest.raises(OperationError, match="kube-system/gpu is Running, not Ready"):
        renew(cluster, seconds=0.3)


def test_a_run_that_goes_on_with_a_turn_knows_what_was_not_ready_before_it() -> None:
    """The first run is killed after it renewed the pods: nothing of theirs says any more what was before."""
    cluster = Kubelet("logs", "gpu", "late", ill=("gpu",), late=("late",))
    remember_not_ready(cluster, "worker-1")
    with pytest.raises(OperationError):
        renew(cluster, seconds=0.3, ill=not_ready_before(cluster, "worker-1"))
    remember_not_ready(cluster, "worker-1")
    assert json.loads(cluster.annotations[NOT_READY_BEFORE]) == ["DaemonSet kube-system/gpu"]
    with pytest.raises(
        OperationError, match=r"addresses of Flannel: not within \S+ s.*kube-system/late is Running, not Ready"
    ):
        renew(cluster, seconds=0.3, ill=not_ready_before(cluster, "worker-1"))
    cluster.pods["late"]["status"]["conditions"][0]["status"] = "True"
    assert renew(cluster, ill=not_ready_before(cluster, "worker-1")) == []


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_pod_at_its_end_is_waited_for_by_nobody(phase: str) -> None:
    cluster = Kubelet("logs")
    cluster.pods["job"] = Kubelet._pod("job", NEW, ready=False, phase=phase)
    assert renew(cluster) == ["kube-system/logs"]


def test_an_ill_pod_with_an_old_address_is_still_waited_for() -> None:
    cluster = Kubelet("gpu", ill=("gpu",))
    cluster.delete = lambda _path, **_options: True  # type: ignore[method-assign]
    with pytest.raises(OperationError, match=r"kube-system/gpu still has 10\.244"):
        renew(cluster, seconds=0.3)


@pytest.mark.parametrize("text", ["", "nonsense", "3", '{"a": 1}'])
def test_a_note_that_cannot_be_read_excuses_nobody(text: str) -> None:
    cluster = Kubelet("logs")
    cluster.annotations[NOT_READY_BEFORE] = text
    assert "DaemonSet kube-system/logs" not in not_ready_before(cluster, "worker-1")

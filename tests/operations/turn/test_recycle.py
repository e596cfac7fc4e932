"""Pods that are renewed on their node, and whose readiness is waited for."""

import json
import shlex
from collections.abc import Callable
from typing import Any

import pytest

from components.operations.cluster_api.api import Cluster
from components.operations.deadline import OperationError
from components.operations.objects.model import Pod
from components.operations.progress import Progress
from components.operations.turn_annotations import BOOT_ID, NOT_READY_BEFORE, RESTARTED
from components.operations.turn_steps.readiness import not_ready_before, remember_not_ready, remember_unless_renewed
from components.operations.turn_steps.recycle import recycle

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
    for _ in range(2):
        with pytest.raises(
            OperationError,
            match=r"addresses of Flannel: not within \S+ s.*kube-system/late is Running, not Ready\. `kub",
        ):
            renew(cluster, seconds=0.3)
        remember_not_ready(cluster, "worker-1")
        assert json.loads(cluster.annotations[NOT_READY_BEFORE]) == ["DaemonSet kube-system/gpu"]
    cluster.pods["late"]["status"]["conditions"][0]["status"] = "True"
    assert renew(cluster) == []


@pytest.mark.parametrize("note", [None, "", "nonsense", "3", '{"a": 1}', '["DaemonSet kube-system/logs", 3]'])
def test_a_turn_without_a_note_writes_one_before_it_renews_the_first_pod(note: str | None) -> None:
    """An older version began it, or whoever manages the node's annotations took it off."""
    cluster = Kubelet("logs", "gpu", ill=("gpu",))
    cluster.annotations |= {} if note is None else {NOT_READY_BEFORE: note}
    assert renew(cluster) == ["kube-system/logs", "kube-system/gpu"]
    assert renew(cluster) == []


def half_renewed(*, ill: tuple[str, ...] = ("gpu",)) -> Kubelet:
    """No note is there, and a pod or more is on the new network already."""
    cluster = Kubelet("logs", "gpu", "late", ill=ill)
    cluster.delete("pods/gpu")
    return cluster


def restarted(key: str) -> Kubelet:
    """All pods show what they were before the node restarted, as its kubelet has not come to them yet."""
    cluster = Kubelet("logs", "gpu")
    cluster.annotations[key] = "yes"
    cluster.pods["gpu"]["status"]["conditions"][0]["status"] = "False"
    cluster.ill = ("gpu",)
    return cluster


def all_renewed() -> Kubelet:
    cluster = half_renewed()
    cluster.delete("pods/logs")
    cluster.delete("pods/late")
    return cluster


@pytest.mark.parametrize("make", [half_renewed, all_renewed])
def test_where_nothing_says_any_more_who_was_ill_nobody_is_excused_and_the_way_out_is_told(
    make: Callable[[], Kubelet],
) -> None:
    """The command is typed as it was printed, and the next run goes on."""
    cluster = make()
    with pytest.raises(OperationError, match="whether it was Ready before its turn is not known") as told:
        renew(cluster, seconds=0.3)
    assert NOT_READY_BEFORE not in cluster.annotations
    type_annotation(cluster, str(told.value))
    assert renew(cluster) == []


def type_annotation(cluster: Kubelet, text: str) -> None:
    words = shlex.split(text.partition("`kubectl annotate ")[2].partition("`")[0])
    assert words[:3] == ["node", "worker-1", "--overwrite"]
    key, _, value = words[3].partition("=")
    cluster.annotations[key] = value


@pytest.mark.parametrize("key", [BOOT_ID, RESTARTED])
def test_a_restart_leaves_no_pod_that_says_who_was_ill_before(key: str) -> None:
    cluster = restarted(key)
    remember_unless_renewed(cluster, "worker-1", stale=stale)
    assert NOT_READY_BEFORE not in cluster.annotations


def test_a_pod_that_its_turn_made_ill_is_waited_for() -> None:
    """It was Ready when the turn began, and is not any more when its renewal comes."""
    cluster = Kubelet("logs", "gpu")
    remember_not_ready(cluster, "worker-1")
    cluster.ill = ("gpu",)
    cluster.pods["gpu"]["status"]["conditions"][0]["status"] = "False"
    with pytest.raises(OperationError, match="kube-system/gpu is Running, not Ready"):
        renew(cluster, seconds=0.3)


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


@pytest.mark.parametrize("text", ["", "nonsense", "3", "null", '{"a": 1}', '[["x"]]'])
def test_a_note_that_cannot_be_read_is_none(text: str) -> None:
    cluster = Kubelet("logs")
    cluster.annotations[NOT_READY_BEFORE] = text
    assert not_ready_before(cluster, "worker-1") is None

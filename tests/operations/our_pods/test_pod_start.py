"""Pods of ours that never start: each says why at once, in the words of whoever keeps it from starting."""

from typing import Any

import pytest

from components.names import NAMESPACE
from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError
from components.operations.deadline import OperationError, Pending
from components.operations.our_pods import pod_start
from components.operations.our_pods.node_shell import run_on_node
from components.operations.our_pods.pod_start import Start, end_of
from components.operations.our_pods.refusals import NO_DRY_RUN, is_refusal, remedy_of
from components.pods import OurPods

Object = dict[str, Any]
FORBIDDEN = 'pods "x" is forbidden: '


class Standing(Cluster):
    """A pod whose status stays as it is, and Events about it."""

    def __init__(self, status: Object | None, *, events: list[Object] | None = None, closed: bool = False) -> None:
        self._status, self._events, self._closed = status, events or [], closed
        self.looks = self.deleted = 0

    def find(self, path: str, **_query: Any) -> Object | None:
        self.looks += 1
        return None if self._status is None else {"metadata": {"uid": "u"}, "status": self._status}

    def list(self, path: str, **_query: Any) -> list[Object]:
        if not path.endswith("/events"):
            return []
        if self._closed:
            raise ClusterError("403", said="events is forbidden", status=403)
        return self._events

    def create(self, path: str, body: Object) -> Object:
        return body

    def logs(self, **_query: Any) -> str:
        return "what it printed"

    def delete(self, path: str, **_options: Any) -> bool:
        self.deleted += 1
        return True


def of(phase: str, *states: Object, **fields: Any) -> Object:
    statuses = [{"name": "script", "state": state} for state in states]
    return {"phase": phase, **({"containerStatuses": statuses} if statuses else {}), **fields}


def waits(reason: str, message: str = "") -> Object:
    return {"waiting": {"reason": reason, "message": message}}


def ended(code: int, reason: str = "Error") -> Object:
    return {"terminated": {"exitCode": code, "reason": reason}}


@pytest.mark.parametrize(
    ("status", "fact", "remedy"),
    [
        (of("Failed", reason="OutOfcpu", message="Node didn't have enough resource: cpu"),
         "refused by the node's kubelet: OutOfcpu: Node didn't have enough", "pods.resources"),
        (of("Failed", reason="OutOfpods", message="too many"), "OutOfpods: too many", "make room on the node"),
        (of("Failed", reason="NodeAffinity", message="Predicate failed"), "NodeAffinity: Predicate failed",
         "pods.nodeSelector"),
        (of("Failed", reason="UnexpectedAdmissionError", message="device plugin"),
         "UnexpectedAdmissionError: device plugin", "look at the node's kubelet"),
        (of("Failed", reason="PodOSNotSupported", message="no"), "PodOSNotSupported: no", "look at the node's kubelet"),
        (of("Failed"), "it did not say why", "look at the node's kubelet"),
        (of("Failed", waits("ContainerCreating"), reason="NodeShutdown", message="shutting down"),
         "refused by the node's kubelet: NodeShutdown", "wait until it is back"),
        (of("Failed", ended(137), reason="Evicted", message="low on memory"),
         "ended by the node's kubelet: Evicted: low on memory", "the node lacks memory"),
        (of("Pending", waits("ErrImageNeverPull", "not present")), "container script: ErrImageNeverPull: not present",
         "bring the image to the node"),
        (of("Pending", waits("InvalidImageName")), "InvalidImageName", "probe.image or pods.registry"),
        (of("Pending", waits("CreateContainerConfigError", "runs as root")), "runs as root", "the image's user"),
        (of("Pending", waits("CreateContainerError")), "CreateContainerError", "container runtime"),
        (of("Pending", initContainerStatuses=[{"name": "istio-init", "state": waits("ErrImageNeverPull")}]),
         "container istio-init", "bring the image"),
        (None, "was deleted by somebody else", "see who deletes pods"),
    ],
)  # fmt: skip
def test_what_never_starts_is_told_at_once(status: Object | None, fact: str, remedy: str) -> None:
    cluster = Standing(status)
    with pytest.raises(OperationError) as caught:
        run_on_node(cluster, "worker-1", "inspect_network", pods=OurPods(image="example"))
    said = str(caught.value)
    assert said.startswith("node worker-1: script inspect_network: its pod cni-live-migration-nodes/inspect-network-")
    assert fact in said
    assert remedy in said
    assert said.endswith("then `pulumi up` again")
    assert (cluster.looks, cluster.deleted) == (1, 1)


@pytest.mark.parametrize("reason", ["ErrImagePull", "ImagePullBackOff"])
def test_an_image_may_come_at_the_second_try_and_then_it_is_told(monkeypatch: pytest.MonkeyPatch, reason: str) -> None:
    start = Start(Standing(of("Pending", waits(reason, "no such host"))), "p", namespace="ours", of="node worker-1: it")
    found = start.look()
    assert isinstance(found, Pending)
    assert f"{reason} no such host" in found.why
    monkeypatch.setattr(pod_start, "_PULL_SECONDS", 0.0)
    with pytest.raises(OperationError, match="no such host: see that the node reaches the image's registry"):
        start.look()


def test_what_a_pod_waits_for_is_the_last_warning_about_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pod_start, "_LOOK_FOR_EVENTS_SECONDS", 0.0)
    events = [
        {"type": "Warning", "reason": "Old", "message": "x", "lastTimestamp": "2026-01-01T00:00:00Z"},
        {"type": "Warning", "reason": "FailedMount", "message": "no probe", "lastTimestamp": "2026-01-01T00:01:00Z"},
        {"type": "Normal", "reason": "Pulled", "message": "x", "lastTimestamp": "2026-01-01T00:02:00Z"},
    ]
    found = Start(
        Standing(of("Pending", waits("ContainerCreating")), events=events), "p", namespace="ours", of="it"
    ).look()
    assert isinstance(found, Pending)
    assert found.why == "pod ours/p is Pending: ContainerCreating: FailedMount: no probe"
    closed = Start(Standing(of("Pending"), closed=True), "p", namespace="ours", of="it").look()
    assert isinstance(closed, Pending)
    assert closed.why.endswith("its events cannot be read (events is forbidden)")


def test_what_the_scheduler_says_is_told() -> None:
    unschedulable = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}
    found = Start(Standing(of("Pending", conditions=[unschedulable])), "p", namespace="ours", of="it").look()
    assert isinstance(found, Pending)
    assert found.why.endswith("is Pending: 0/3 nodes")


def test_a_script_that_lacked_memory_says_so() -> None:
    cluster = Standing(of("Failed", ended(137, "OOMKilled")))
    with pytest.raises(
        OperationError, match=r"failed \(exit code 137, OOMKilled: raise pods.resources.limits.memory\): "
    ):
        run_on_node(cluster, "worker-1", "inspect_network", pods=OurPods(image="example"))
    assert end_of({"status": of("Succeeded", ended(0, "Completed"))}) == "exit code 0"


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        (FORBIDDEN + 'exceeded quota: q, requested: pods=1, used: pods=1', "raise ResourceQuota "),
        (FORBIDDEN + 'failed quota: q: must specify limits.cpu for: script', "set pods.resources.requests"),
        (FORBIDDEN + 'insufficient quota to match these scopes: [{PriorityClass In [a]}]', "pods.priorityClass"),
        (FORBIDDEN + 'cpu max limit to request ratio per Container is 2, but', "a LimitRange in namespace"),
        (FORBIDDEN + 'minimum memory usage per Pod is 1Gi, but request is 32Mi', "a LimitRange in namespace"),
        ('admission webhook "a.b" denied the request: no', "webhook a.b forbids it: have whoever"),
        ('Internal error occurred: failed calling webhook "a.b": EOF', "webhook a.b does not answer: mend it"),
        (f'admission webhook "a.b" {NO_DRY_RUN}', "webhook a.b cannot be asked before the turn"),
        (FORBIDDEN + 'User "u" cannot create resource "pods" in API group ""', "give the user"),
        (FORBIDDEN + 'unable to create new content in namespace n because it is being terminated', "deleted"),
        ("Pod is invalid: spec.containers[0].resources.requests: Invalid value", "mend what the stack's `pods` says"),
        ("something nobody has heard of", "make our pods fit by the stack's `pods`"),
    ],
)  # fmt: skip
def test_every_refusal_has_a_remedy(said: str, remedy: str) -> None:
    assert remedy in remedy_of(said, namespace=NAMESPACE)
    assert is_refusal(ClusterError(said, said=said, status=403))


def test_a_servers_own_trouble_is_no_refusal() -> None:
    assert not is_refusal(ClusterError("etcd is away", status=500))
    assert is_refusal(ClusterError("x", said='failed calling webhook "a"', status=500))

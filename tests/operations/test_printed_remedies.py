"""Commands that errors print solve what the error is about, typed where it is raised."""

from typing import Any

import pytest

from components.names import NAMESPACE, NAMESPACES, NODES_NAMESPACE
from components.operations import lease
from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError
from components.operations.deadline import HoldLostError, OperationError
from components.operations.draining.autoscaler_hold import released
from components.operations.dry_run import Trial, assert_accepted, try_out
from components.operations.lease import Hold
from components.operations.progress import Progress
from components.operations.removal.cilium_taints import KEY, remove_left_taints
from components.operations.turn_annotations import HELD, node_path, read_node
from components.operations.turn_steps import verification
from components.operations.turn_steps.verification import verify_node
from components.pods import OurPods
from stacks.sections.pods import PodSettings
from tests.operations.conftest import Space, eventually
from tests.operations.reading import Reader

pytestmark = pytest.mark.apiserver
OURS, OF_NODES = f"/api/v1/namespaces/{NAMESPACE}", f"/api/v1/namespaces/{NODES_NAMESPACE}"
PODS = OurPods(image="example")


@pytest.mark.executes("kubectl annotate node {} {}-")
@pytest.mark.parametrize("text", ["x", "[]", "null"])
def test_a_hold_that_cannot_be_read(reader: Reader, cluster: Cluster, node: str, text: str) -> None:
    cluster.patch(node_path(node), {"metadata": {"annotations": {HELD: text}}})
    reader.shown(lambda: released(read_node(cluster, node)))
    assert released(read_node(cluster, node)) == {}


def run(cluster: Cluster, name: str, **options: Any) -> Hold:
    return Hold(cluster, run=name, begin=lambda _: None, **options)


@pytest.mark.executes("kubectl -n {} delete lease {}")
def test_a_lease_of_a_run_that_is_none(reader: Reader, ours: Cluster) -> None:
    ours.delete(lease.PATH)
    ours.create(
        lease.PATH.rpartition("/")[0],
        {"metadata": {"name": "migration"}, "spec": {"holderIdentity": "eve@gone/1.ee", "leaseDurationSeconds": 3600}},
    )
    reader.shown(lambda: run(ours, "bob@bastion/2.bb").take())
    again = run(ours, "bob@bastion/2.bb")
    again.take()
    again.give_back()


@pytest.mark.executes("kubectl -n {} get lease {}")
def test_a_hold_that_could_not_be_renewed(reader: Reader, ours: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    ours.delete(lease.PATH)
    seconds = 1000.0
    hold = run(ours, "bob@bastion/2.bb", clock=lambda: seconds)
    hold.take()
    seconds += 3600

    def away(*_: Any, **__: Any) -> Any:
        raise ClusterError("connection refused")

    with monkeypatch.context() as broken:
        broken.setattr(ours, "patch", away)
        with pytest.raises(HoldLostError) as caught:
            hold.allow(node_path("worker-1"))
    assert "bob@bastion/2.bb" in reader.does(str(caught.value))
    ours.delete(lease.PATH)


@pytest.mark.executes("kubectl taint nodes {} {}-")
def test_a_taint_of_cilium_s_that_may_not_be_taken_off(
    reader: Reader, cluster: Cluster, space: Space, node: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.patch(node_path(node), {"spec": {"taints": [{"key": KEY, "effect": "NoSchedule"}]}})

    def refuse(*_: Any, **__: Any) -> Any:
        raise ClusterError("nodes is forbidden", status=403)

    with monkeypatch.context() as forbidden:
        forbidden.setattr(cluster, "patch", refuse)
        reader.shown(lambda: remove_left_taints(cluster, namespace=space.name))
    assert remove_left_taints(cluster, namespace=space.name) == []


class AllThere:
    """The network and the pods of a node to which nothing happened."""

    def network(self) -> bool:
        return False

    def pods(self) -> bool:
        return False


def verify(cluster: Cluster, node: str) -> object:
    return verify_node(
        cluster, node, belongs=lambda _: False, network="Cilium", pods=PODS, timeout_seconds=20,
        news=Progress(node, 1), awaited=AllThere(),
    )  # fmt: skip


@pytest.mark.executes("kubectl get ciliumnode {} -o yaml")
def test_a_fresh_pod_of_the_wrong_network(reader: Reader, ours: Cluster, node: str, kinds: None) -> None:
    body = {"apiVersion": "cilium.io/v2", "kind": "CiliumNode", "metadata": {"name": node}, "spec": {"ipam": {}}}
    ours.create("/apis/cilium.io/v2/ciliumnodes", body)
    assert "ipam:" in reader.shown(lambda: verify(ours, node))


@pytest.mark.executes("kubectl -n {} patch pod {} --type=merge -p '{}'")
def test_a_fresh_pod_that_a_finalizer_holds(
    reader: Reader, ours: Cluster, node: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "_REMOVAL_SECONDS", 0.2)
    pod = verification.fresh_pod(node, pods=PODS)
    pod["metadata"]["finalizers"] = ["example.org/held"]
    ours.create(f"{OURS}/pods", pod)
    reader.shown(lambda: verify(ours, node))
    assert ours.find(f"{OURS}/pods/{pod['metadata']['name']}") is None


@pytest.mark.executes("kubectl label namespace {} {}={} --overwrite")
@pytest.mark.parametrize("level", ["restricted", "baseline"])
def test_a_namespace_that_lets_no_privileged_pod_in(reader: Reader, ours: Cluster, node: str, level: str) -> None:
    ours.patch(OF_NODES, {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": level}}})

    def refused() -> bool:
        try:
            assert_accepted(ours, PODS, node=node)
        except OperationError:
            return True
        return False

    eventually(refused)
    reader.shown(lambda: assert_accepted(ours, PODS, node=node))
    eventually(lambda: not refused())


@pytest.mark.executes("kubectl create namespace {}")
def test_a_pull_secret_before_there_are_our_namespaces(reader: Reader, ours: Cluster) -> None:
    for path in (OURS, OF_NODES):
        ours.delete(path)
    eventually(lambda: not any(map(ours.find, (OURS, OF_NODES))))
    trial = Trial(pods=OurPods(image="example", settings=PodSettings(pull_secrets=["mirror"])))
    for each in try_out(ours, trial, nodes=[]).missing:
        reader.does(each.remedy)
    said = [each.said for each in try_out(ours, trial, nodes=[]).missing]
    assert said == [f"there is no Secret {name}/mirror" for name in NAMESPACES]

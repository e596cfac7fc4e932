"""A node's turn and the way back, by the program's own operations on simulated nodes; and what goes wrong there."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from components import probe
from components.names import NAMESPACE, NAMESPACES
from components.namespaces import namespace
from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError
from components.operations.deadline import OperationError
from components.operations.draining.autoscaler_hold import CLUSTER_AUTOSCALER, KARPENTER
from components.operations.objects.model import Pod
from components.operations.our_pods.node_shell import run_on_node
from components.operations.turn import Turn, empty_for_cilium, empty_for_return, move_to_cilium, return_to_source
from components.operations.turn_annotations import HELD, TurnStep, node_path, read_node, step_of
from components.operations.turn_steps import agent as agents
from components.operations.turn_steps.restart import Restart
from components.pods import OurPods
from components.strategies.hybrid.recipe import RECIPE
from scripts.lab.simulated import lab
from scripts.lab.simulated.control_plane import ControlPlane
from scripts.lab.simulated.faults import BrokenFlow, Faults, NodeFaults, PodFaults
from stacks.sections.node import DrainSettings
from stacks.settle import Cilium
from stacks.values import CNI_CONF, MIGRATED_LABEL, final_values, live_settings, migration_values, node_config
from tests.builders import make_cilium
from tests.operations.conftest import eventually

pytestmark = pytest.mark.apiserver
IMAGE = "example"


def _daemon_set(name: str, space: str, labels: dict[str, str], spec: dict[str, Any]) -> dict[str, Any]:
    template = {"metadata": {"labels": labels}, "spec": {"tolerations": [{"operator": "Exists"}], **spec}}
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": name, "namespace": space},
        "spec": {"selector": {"matchLabels": labels}, "template": template},
    }


def _cilium() -> list[dict[str, Any]]:
    """As much of Cilium as the operations look at."""
    edge = {"name": "edge", "image": IMAGE, "ports": [{"containerPort": 80, "hostPort": 8088}]}
    agent = {"hostNetwork": True, "containers": [{"name": agents.AGENT_CONTAINER, "image": IMAGE}]}
    operator = _daemon_set("operator", "kube-system", {"io.cilium/app": "operator"}, {**agent})
    live = live_settings(migration_values(make_cilium()))
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "cilium-config", "namespace": "kube-system"},
            "data": live,
        },
        operator,
        _daemon_set("cilium", "kube-system", {"k8s-app": "cilium"}, agent),
        *map(namespace, NAMESPACES),
        # A device plugin without its device: never Ready, before a turn, in it and after it.
        _daemon_set(
            "gpu",
            "default",
            {"app": "gpu", "simulated/stays": "crashing"},
            {"nodeSelector": {"kubernetes.io/hostname": "worker-1"}, "containers": [{"name": "gpu", "image": IMAGE}]},
        ),
        _daemon_set("edge", "default", {"app": "edge"}, {"containers": [edge]}),
        _daemon_set(probe.NAME, NAMESPACE, probe.LABELS, _probe()),
    ]


def _probe() -> dict[str, Any]:
    return {
        "containers": [{**probe.container(), "image": IMAGE}],
        "volumes": [{"name": "programs", "configMap": {"name": probe.NAME}}],
    }


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with ControlPlane(tmp_path_factory.mktemp("turn"), simulated_nodes=True) as running:
        lab.populate(running, 3)
        items = {"apiVersion": "v1", "kind": "List", "items": _cilium()}
        running.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(items))
        cluster = Cluster(kubeconfig=str(running.kubeconfig))
        eventually(lambda: len(_ready(cluster, "k8s-app=cilium")) == 3)
        config = {
            "apiVersion": "cilium.io/v2",
            "kind": "CiliumNodeConfig",
            "metadata": {"name": "cilium-default"},
            "spec": node_config({}),
        }
        cluster.create("/apis/cilium.io/v2/namespaces/kube-system/ciliumnodeconfigs", config)
        eventually(lambda: len(_ready(cluster, "app.kubernetes.io/name=probe")) == 3)
        yield running


@pytest.fixture
def cluster(plane: ControlPlane) -> Iterator[Cluster]:
    yield Cluster(kubeconfig=str(plane.kubeconfig))
    plane.faults.clear()


def _ready(cluster: Cluster, selector: str) -> list[Pod]:
    return [pod for pod in map(Pod.read, cluster.list("/api/v1/pods", labelSelector=selector)) if pod.ready]


def _turn(node: str, *, method: str = "recycle", seconds: float = 20) -> Turn:
    return Turn(
        recipe=RECIPE,
        node=node,
        cilium_namespace="kube-system",
        cilium_network="10.245.0.0/16",
        cni_conf=CNI_CONF,
        cni_folder="/etc/cni/net.d",
        label=MIGRATED_LABEL,
        source_title="Flannel",
        source_networks=("10.244.0.0/16",),
        drain=DrainSettings(),
        restart=Restart(
            method=method, command="", timeout_seconds=seconds, agent_timeout_seconds=seconds,
            cilium_namespace="kube-system", pods=OurPods(image=IMAGE),
        ),
        agent_timeout_seconds=seconds,
        verify_timeout_seconds=seconds,
        pods=OurPods(image=IMAGE),
        hold=True,
    )  # fmt: skip


def _label(cluster: Cluster, node: str, value: str | None) -> None:
    cluster.patch(node_path(node), {"metadata": {"labels": {MIGRATED_LABEL: value}}})


def _held(cluster: Cluster, node: str) -> bool:
    found = read_node(cluster, node).annotations
    assert (KARPENTER in found) == (CLUSTER_AUTOSCALER in found) == (HELD in found)
    return HELD in found


def _probe_address(cluster: Cluster, node: str) -> str:
    return next(pod.address for pod in _ready(cluster, "app.kubernetes.io/name=probe") if pod.node == node)


@pytest.mark.parametrize("method", ["recycle", "reboot"])
def test_a_turn_and_the_way_back(cluster: Cluster, method: str) -> None:
    turn, boot_id = _turn("worker-1", method=method), read_node(cluster, "worker-1").boot_id
    empty_for_cilium(cluster, turn)
    assert _held(cluster, "worker-1")
    if method == "recycle":  # else as after somebody took it off in mid-turn: the turn sets it again
        _label(cluster, "worker-1", "true")
    summary = move_to_cilium(cluster, turn)
    assert summary["verified"]["flows"] >= 9
    assert _probe_address(cluster, "worker-1").startswith("10.245.")
    assert (read_node(cluster, "worker-1").boot_id != boot_id) == (method == "reboot")
    assert not _held(cluster, "worker-1")
    empty_for_return(cluster, turn)
    assert _held(cluster, "worker-1")
    return_to_source(cluster, turn)
    assert not _held(cluster, "worker-1")
    assert _probe_address(cluster, "worker-1").startswith("10.244.")
    seen = run_on_node(cluster, "worker-1", "inspect_network", pods=OurPods(image=IMAGE))
    assert seen["cni_conf"] == ["10-flannel.conflist"]


FAULTS = [
    (NodeFaults(agent="crashing"), {}, (), "CrashLoopBackOff"),
    (NodeFaults(agent="never-ready"), {}, (), "Cilium agent re-created and Ready: not within"),
    (NodeFaults(), {f"{NAMESPACE}/verify-": PodFaults(exec_fails=True)}, (), "verify-worker-2"),
    (NodeFaults(), {}, (BrokenFlow(target="api"),), "fresh pod → API server"),
    (NodeFaults(tunnel_down=True), {}, (), "flows of a pod"),
    (
        NodeFaults(),
        {},
        (BrokenFlow(target="host-port"),),
        r"worker-2, hostPort 8088 \(\S+\) → pod default/edge-\w+: ",
    ),
]


def test_faults_are_reported_and_end_with_their_cause(plane: ControlPlane, cluster: Cluster) -> None:
    """The turn fails in the words of each fault in turn, and once nothing is wrong it is completed."""
    turn = _turn("worker-2", seconds=4)
    empty_for_cilium(cluster, turn)
    _label(cluster, "worker-2", "true")
    for node, pods, flows, said in FAULTS:
        faults = Faults(nodes={"worker-2": node}, pods=pods, flows=flows, patience_seconds=0.5)
        with plane.faults.during(faults), pytest.raises((OperationError, ClusterError), match=said):
            move_to_cilium(cluster, turn)
    assert move_to_cilium(cluster, _turn("worker-2"))["verified"]


def test_a_watched_workload_that_does_not_come_back_ends_the_turn(cluster: Cluster) -> None:
    """The node is on its new network and takes pods, but the run stops there until the workload is well."""
    template = {
        "metadata": {"labels": {"app": "slow"}},
        "spec": {"nodeSelector": {"nobody": "has-this"}, "containers": [{"name": "main", "image": IMAGE}]},
    }
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "slow"}}, "template": template}
    path = "/apis/apps/v1/namespaces/default/deployments"
    cluster.create(path, {"metadata": {"name": "slow"}, "spec": spec})
    turn = replace(_turn("worker-1"), watched=("Deployment default/slow",), watched_timeout_seconds=2)
    empty_for_cilium(cluster, turn)
    _label(cluster, "worker-1", "true")
    with pytest.raises(OperationError) as caught:
        move_to_cilium(cluster, turn)
    told = str(caught.value)
    assert "node worker-1: what preflight.watched names is ready after its turn: not within 2 s" in told
    assert "Deployment default/slow has 0 of 1 pods ready, `kubectl -n default describe deployment slow` says" in told
    node = read_node(cluster, "worker-1")
    assert (step_of(node), node.unschedulable) == (TurnStep.SWITCHING, False)
    cluster.patch(f"{path}/slow", {"spec": {"replicas": 0}})
    record = move_to_cilium(cluster, replace(turn, watched_timeout_seconds=30))
    assert "watch" in [step["name"] for step in record["steps"]]
    assert step_of(read_node(cluster, "worker-1")) is TurnStep.MIGRATED
    cluster.delete(f"{path}/slow")


def test_a_node_that_stays_away_after_its_reboot_is_told(plane: ControlPlane, cluster: Cluster) -> None:
    turn = _turn("worker-3", method="reboot", seconds=5)
    empty_for_cilium(cluster, turn)
    _label(cluster, "worker-3", "true")
    with (
        plane.faults.during(Faults(nodes={"worker-3": NodeFaults(stays_not_ready=True)})),
        pytest.raises(OperationError, match="back from its reboot"),
    ):
        move_to_cilium(cluster, turn)
    assert move_to_cilium(cluster, _turn("worker-3", method="reboot"))["verified"]


def _renew(cluster: Cluster, selector: str, *, node: str = "", ready: bool = True) -> None:
    """Delete the pods and wait until as many others are there, Ready or not."""

    def there() -> list[Pod]:
        pods = map(Pod.read, cluster.list("/api/v1/pods", labelSelector=selector))
        return [pod for pod in pods if node in ("", pod.node) and pod.phase == "Running"]

    old = there()
    for pod in old:
        cluster.delete(pod.path)
    gone = {pod.uid for pod in old}
    eventually(lambda: sum(pod.uid not in gone and pod.ready == ready for pod in there()) == len(old))


def test_a_new_machine_under_a_nodes_name_starts_the_pods_that_are_bound_to_it(
    plane: ControlPlane, cluster: Cluster
) -> None:
    """The controllers delete a node's pods only a while after it; its successor is there before that."""
    selector = "app.kubernetes.io/name=probe"
    before = {pod.node: pod for pod in map(Pod.read, cluster.list("/api/v1/pods", labelSelector=selector))}
    cluster.delete(node_path("worker-2"))
    plane.add_node("worker-2")
    eventually(lambda: len(_ready(cluster, selector)) == 3)
    after = {pod.node: pod for pod in _ready(cluster, selector)}
    assert after["worker-2"].uid == before["worker-2"].uid
    block = read_node(cluster, "worker-2").pod_cidrs[0]
    eventually(lambda: all(pod.address_in(block) for pod in _ready(cluster, selector) if pod.node == "worker-2"))
    seen = run_on_node(cluster, "worker-2", "inspect_network", pods=OurPods(image=IMAGE))
    assert "10-flannel.conflist" in seen["cni_conf"]


def _has_taint(cluster: Cluster, node: str) -> bool:
    taints = cluster.get(node_path(node))["spec"].get("taints") or []
    return "node.cilium.io/agent-not-ready" in [each["key"] for each in taints]


@pytest.mark.parametrize(("values", "closed"), [(migration_values, False), (final_values, True)])
def test_a_node_whose_agent_is_not_up_takes_pods_as_long_as_the_old_cni_serves_it(
    plane: ControlPlane, cluster: Cluster, values: Callable[[Cilium], dict[str, Any]], closed: bool
) -> None:
    config = "/api/v1/namespaces/kube-system/configmaps/cilium-config"
    cluster.patch(config, {"data": live_settings(values(make_cilium()))})
    _renew(cluster, "io.cilium/app=operator")
    plane.faults.write(Faults(nodes={"worker-3": NodeFaults(agent="never-ready")}))
    _renew(cluster, "k8s-app=cilium", node="worker-3", ready=False)
    assert _has_taint(cluster, "worker-3") is closed
    plane.faults.clear()
    eventually(lambda: len(_ready(cluster, "k8s-app=cilium")) == 3)
    assert not _has_taint(cluster, "worker-3")
    cluster.patch(config, {"data": live_settings(migration_values(make_cilium()))})
    _renew(cluster, "io.cilium/app=operator")

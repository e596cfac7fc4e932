"""Others who work on the nodes are named, with the way to hold them."""

import pytest

from components.checks import CATALOGUE, run_checks
from components.operations.objects.model import Node, Pod
from tests.builders import FLANNEL_DAEMON_SET, make_context, make_node, make_pod, secondary


def found(
    *pods: Pod, nodes: tuple[Node, ...] = (make_node("worker-1"), make_node("worker-2")), wave: str = "worker-1",
    hold: bool = False,
) -> list[str]:  # fmt: skip
    context = make_context(
        secondary(nodes=nodes, pods=pods), phase="migrate", waves=[[wave]] if wave else [], holdAutoscalers=hold
    )
    return [each.line for each in run_checks(CATALOGUE, context) if each.check == "node-managers"]


@pytest.mark.parametrize(
    ("image", "told", "hold"),
    [
        ("public.ecr.aws/karpenter/controller:1.6.0@sha256:ab", "Karpenter (pod", "karpenter.sh/do-not-disrupt=true"),
        ("mirror.corp:5000/proxy/karpenter/controller", "Karpenter (pod", "do-not-disrupt"),
        (
            "registry.k8s.io/autoscaling/cluster-autoscaler:v1.34.0",
            "the cluster autoscaler",
            "scale-down-disabled=true",
        ),
        ("registry.k8s.io/autoscaling/cluster-autoscaler-arm64:v1.34.0", "the cluster autoscaler", "scale-down"),
        ("registry.k8s.io/descheduler/descheduler:v0.34.0", "the descheduler", "suspend its CronJob"),
        ("kured", "kured (pod default/x)", "kubectl -n default annotate daemonset kured"),
        ("ghcr.io/kubereboot/kured:1.17.0", "kured", """='{"nodeID":"migration"}'`"""),
        ("rancher/system-upgrade-controller:v0.15", "the system upgrade controller", "scale its Deployment to 0"),
        ("planetlabs/draino:e0d5277", "draino", "scale its Deployment to 0"),
    ],
)
def test_a_tool_is_known_by_its_image_wherever_that_is_mirrored(image: str, told: str, hold: str) -> None:
    (line,) = found(make_pod("x", images=("sidecar", image)))
    assert told in line
    assert hold in line


@pytest.mark.parametrize(
    "image", ["karpenter.corp.example/shop/web", "shop/kured-dashboard", "cluster-autoscaler-ui/web"]
)
def test_a_name_that_is_only_alike_is_another(image: str) -> None:
    assert found(make_pod("x", images=(image,))) == []


def test_each_is_said_once_and_only_before_nodes_move() -> None:
    pods = [make_pod(name, images=("kured:1",), node=node) for name, node in (("a", "worker-1"), ("b", "worker-2"))]
    assert len(found(*pods)) == 1
    assert found(*pods, wave="") == []
    assert found(make_pod("done", images=("kured:1",), phase="Succeeded")) == []


def test_a_karpenter_that_runs_outside_is_known_by_its_nodes() -> None:
    theirs = make_node("worker-1", labels={"karpenter.sh/nodepool": "default"})
    (line,) = found(nodes=(theirs, make_node("worker-2")))
    assert "Karpenter, which runs elsewhere, made worker-1" in line
    assert found(nodes=(make_node("worker-1"), make_node("worker-2", labels=theirs.labels))) == []


def test_a_deleted_node_is_not_taken_for_one_that_is_in_a_wave_already() -> None:
    nodes = (make_node("worker-1"), make_node("worker-2"))
    settings = {"phase": "migrate", "waves": [["worker-1"], ["worker-10"]]}
    lines = [each.line for each in run_checks(CATALOGUE, make_context(secondary(nodes=nodes), **settings))]
    (line,) = [line for line in lines if line.startswith("[nodes-known]")]
    assert "worker-1?" not in line
    assert "remove it from waves" in line


def test_who_is_held_by_the_turn_is_no_matter_and_the_others_are() -> None:
    pods = [make_pod(name, images=(f"{name}:1",)) for name in ("karpenter", "cluster-autoscaler", "kured")]
    assert len(found(*pods)) == 3
    (line,) = found(*pods, hold=True)
    assert "kured" in line
    theirs = make_node("worker-1", labels={"karpenter.sh/nodepool": "default"})
    assert found(nodes=(theirs,), hold=True) == []


def test_the_way_to_hold_them_is_a_setting_too() -> None:
    (line,) = found(make_pod("x", images=("karpenter:1",)))
    assert "`pulumi config set holdAutoscalers true` holds it off each node for its turn, or `kubectl annotate" in line


@pytest.mark.parametrize(
    ("image", "key"),
    [
        ("karpenter:1", "karpenter.sh/do-not-disrupt"),
        ("cluster-autoscaler:1", "cluster-autoscaler.kubernetes.io/scale-down-disabled"),
    ],
)
def test_who_is_held_by_hand_on_every_node_that_moves_is_no_matter(image: str, key: str) -> None:
    held, other = make_node("worker-1", annotations={key: "true"}), make_node("worker-2")
    assert found(make_pod("x", images=(image,)), nodes=(held, other)) == []
    for value in ("false", "yes", ""):
        (line,) = found(make_pod("x", images=(image,)), nodes=(make_node("worker-1", annotations={key: value}), other))
        assert f"`kubectl annotate node worker-1 {key}=true --overwrite`" in line


def test_a_karpenter_outside_is_held_by_hand_too() -> None:
    labels = {"karpenter.sh/nodepool": "default"}
    theirs = make_node("worker-1", labels=labels, annotations={"karpenter.sh/do-not-disrupt": "true"})
    assert found(nodes=(theirs,)) == []


@pytest.mark.parametrize(
    ("lock", "held"),
    [
        ('{"nodeID":"migration"}', True), ('{"nodeID":"migration","created":"2026-11-26T00:00:00Z"}', True),
        ('{"nodeID":"worker-2"}', False), ("{}", False), ("[]", False), ("", False), ("migration", False),
        (None, False),
    ],
)  # fmt: skip
def test_kured_s_lock_is_ours_or_it_is_not_held(lock: str | None, held: bool) -> None:
    pod = make_pod("x", controller="DaemonSet", images=("kured:1",))
    assert pod.controller
    annotations = {} if lock is None else {"weave.works/kured-node-lock": lock}
    item = {
        **FLANNEL_DAEMON_SET,
        "metadata": {"namespace": pod.namespace, "name": pod.controller.name, "annotations": annotations},
    }
    seen = secondary(nodes=(make_node("worker-1"),), pods=(pod,), daemon_sets=(item,))
    context = make_context(seen, phase="migrate", waves=[["worker-1"]])
    lines = [each.line for each in run_checks(CATALOGUE, context) if each.check == "node-managers"]
    assert bool(lines) is not held
    assert all(f"annotate daemonset {pod.controller.name} weave.works" in line for line in lines)

"""Commands by which an error has its reader look: each is typed where it is raised, and shows what it is about."""

from collections.abc import Callable
from typing import Any

import pytest

from components import probe
from components.checks import CATALOGUE, run_checks
from components.names import NAMESPACE
from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import CommandResult
from components.operations.deadline import OperationError
from components.operations.objects.model import Pod
from components.operations.probes.probe_logs import read_probes
from components.operations.progress import Progress
from components.operations.removal.removals import remove
from components.operations.removal.source_objects import Removed
from components.operations.removal.source_removal import remove_source
from components.operations.removal.sweep import Sweep
from components.operations.required_workloads import wait_for_watched
from components.operations.turn_annotations import read_node
from components.operations.turn_steps import agent as agents
from components.operations.turn_steps.readiness import not_ready_before, way_out
from components.operations.turn_steps.recycle import recycle
from components.operations.turn_steps.rollout import (
    assert_settings,
    assert_tunnels,
    wait_for_agents,
    wait_for_node_config_kind,
)
from components.pods import OurPods
from components.sources.calico.moved_autodetection import InDaemonSet, prepare_autodetection
from components.sources.calico.settings import no_settings
from stacks.notation.objects import ObjectName, object_name
from tests.builders import make_context, make_snapshot, secondary
from tests.operations.conftest import Object, Space, eventually
from tests.operations.reading import Reader

pytestmark = pytest.mark.apiserver
APPS = "/apis/apps/v1"
STAYS = "simulated/stays"
QUIET = Progress("test", 1)


def daemon_set(space: Space, name: str, node: str, *, container: str, **labels: str) -> None:
    """One pod on the node, with `labels` beside its app's."""
    selector = {"k8s-app": name, "app": name}
    template = {
        "metadata": {"labels": {**selector, **labels}},
        "spec": {
            "containers": [{"name": container, "image": "example"}], "nodeName": node, "hostNetwork": True,
            "tolerations": [{"operator": "Exists"}], "nodeSelector": {"kubernetes.io/hostname": node},
        },
    }  # fmt: skip
    spec = {"selector": {"matchLabels": selector}, "template": template}
    space.cluster.create(space.path("daemonsets", group=APPS), {"metadata": {"name": name}, "spec": spec})
    eventually(lambda: space.pods(name))


@pytest.mark.executes("kubectl -n {} logs {}")
def test_an_agent_that_is_not_ready_before_a_turn(
    reader: Reader, space: Space, node: str, ill_agent: str
) -> None:  # fmt: skip
    seen = secondary(nodes=(read_node(space.cluster, node),), pods=(Pod.read(space.pods("cilium")[0]),))
    context = make_context(seen, phase="migrate", waves=[[node]], cilium={"namespace": space.name})
    (found,) = [each for each in run_checks(CATALOGUE, context) if each.check == "agents-ready"]
    reader.does(found.remedy)


@pytest.fixture
def ill_agent(space: Space, node: str) -> str:
    """The name of an agent's pod that never becomes Ready."""
    daemon_set(space, "cilium", node, container=agents.AGENT_CONTAINER, **{STAYS: "pending"})
    return str(space.pods("cilium")[0]["metadata"]["name"])


def answering(monkeypatch: pytest.MonkeyPatch, space: Space, result: CommandResult) -> None:
    """Commands in pods end so: a simulated agent runs none before its operator is there."""
    monkeypatch.setattr(space.cluster, "execute", lambda **_: result)


@pytest.mark.executes("kubectl -n {} get pods -l {} -o wide")
def test_agents_that_are_not_ready(reader: Reader, space: Space, ill_agent: str) -> None:
    shown = reader.shown(
        lambda: wait_for_agents(space.cluster, namespace=space.name, timeout_seconds=0.1, progress=QUIET)
    )
    assert ill_agent in shown


@pytest.mark.executes(
    "kubectl -n {} get pods -l {} --field-selector spec.nodeName={} -o name | xargs -r kubectl -n {} describe"
)
@pytest.mark.parametrize("act", [agents.wait_ready, agents.restart], ids=["ready", "re-created"])
def test_the_agent_of_one_node(
    reader: Reader, space: Space, node: str, ill_agent: str, act: Callable[..., object]
) -> None:
    shown = reader.shown(lambda: act(space.cluster, node, namespace=space.name, timeout_seconds=0.1))
    assert "k8s-app=cilium" in shown
    assert "Events:" in shown


@pytest.mark.executes("kubectl -n {} get configmap cilium-config --show-managed-fields -o yaml")
def test_who_writes_cilium_s_settings(reader: Reader, space: Space) -> None:
    space.cluster.create(space.path("configmaps"), {"metadata": {"name": "cilium-config"}, "data": {"a": "1"}})
    assert "manager: " in reader.shown(lambda: assert_settings(space.cluster, namespace=space.name, wanted={"a": "2"}))


@pytest.mark.executes("kubectl -n {} logs -l {} -c {} --tail=-1 --prefix | grep -i 'address already in use'")
def test_an_agent_without_its_tunnel(
    reader: Reader, space: Space, node: str, ill_agent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, space, CommandResult(output="cat: no such file", exit_code=1))
    reader.shown(lambda: assert_tunnels(space.cluster, namespace=space.name, protocol="vxlan", progress=QUIET))


@pytest.mark.executes("kubectl get pods -A -l io.cilium/app=operator")
def test_an_operator_that_registers_nothing(reader: Reader, cluster: Cluster, space: Space) -> None:
    pod = space.pod_spec("operator")
    pod["metadata"] = {"name": "operator-x", "labels": {"io.cilium/app": "operator", STAYS: "pending"}}
    cluster.create(space.path("pods"), pod)
    shown = reader.shown(
        lambda: wait_for_node_config_kind(cluster, api_version="cilium.io/v2beta9", timeout_seconds=0.1)
    )
    assert "operator-x" in shown


@pytest.mark.executes("kubectl get ciliumnodeconfigs -A -o yaml", "kubectl get node {} --show-labels")
def test_a_node_that_no_node_config_selects(
    reader: Reader, space: Space, node: str, ill_agent: str, kinds: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = {"apiVersion": "cilium.io/v2", "kind": "CiliumNodeConfig", "metadata": {"name": "theirs"}}
    folder = f"/apis/cilium.io/v2/namespaces/{space.name}/ciliumnodeconfigs"
    space.cluster.create(folder, {**config, "spec": {"nodeSelector": {"matchLabels": {"rack": "7"}}}})
    answering(monkeypatch, space, CommandResult(output="10-flannel.conflist\n", exit_code=0))
    (agent,) = agents.agents(space.cluster, namespace=space.name, node=node)
    shown = reader.shown(
        lambda: agents.wait_for_cni_conf(space.cluster, agent, name="05-none.conflist", timeout_seconds=0.1)
    )
    assert "rack:" in shown
    assert f"kubernetes.io/hostname={node}" in shown


@pytest.mark.executes("kubectl -n {} describe {} {}")
@pytest.mark.parametrize("kind", ["DaemonSet", "Deployment"])
def test_a_watched_workload_that_is_not_well(reader: Reader, space: Space, node: str, kind: str) -> None:
    if kind == "DaemonSet":
        daemon_set(space, "web", node, container="main", **{STAYS: "pending"})
    else:
        space.deployment("web", replicas=1, nodeSelector={"no": "node"})
    title = f"{kind} {space.name}/web"
    eventually(lambda: space.pods("web"))
    shown = reader.shown(lambda: wait_for_watched(space.cluster, node, [title], timeout_seconds=0.1))
    assert f"Namespace:      {space.name}" in shown or f"Namespace:              {space.name}" in shown


def test_what_is_not_there_is_not_looked_at(space: Space, node: str) -> None:
    with pytest.raises(OperationError, match="does not exist") as caught:
        wait_for_watched(space.cluster, node, [f"Deployment {space.name}/none"], timeout_seconds=0.1)
    assert "kubectl" not in str(caught.value)


@pytest.mark.executes("kubectl {}{} {} {}")
@pytest.mark.parametrize(
    "title", ["ConfigMap {}/held", "ServiceAccount {}/held", "PriorityClass held", "ClusterRole held"]
)
def test_an_object_that_somebody_holds(reader: Reader, space: Space, title: str) -> None:
    name: ObjectName = object_name(title.format(space.name))
    held = {"metadata": {"name": name.name, "finalizers": ["example.org/held"]}}
    extras: dict[str, Object] = {"PriorityClass": {"value": 7}, "ClusterRole": {"rules": []}}
    space.cluster.create(name.path.rpartition("/")[0], {**held, **extras.get(name.kind, {})})
    try:
        shown = reader.shown(lambda: remove(space.cluster, [name], cilium_namespace="kube-system", timeout_seconds=0.1))
        assert "- example.org/held" in shown
    finally:
        space.cluster.patch(name.path, {"metadata": {"finalizers": None}})


@pytest.mark.executes("kubectl -n {} get pods")
def test_pods_of_the_old_cni_that_stay(reader: Reader, space: Space, node: str) -> None:
    daemon_set(space, "old", node, container="main")
    assert "old-" in reader.shown(lambda: _remove(space, "old", Removed(removed=(), kept=())))


@pytest.mark.executes(
    "kubectl api-resources --verbs=list --namespaced -o name | paste -sd, - | "
    "xargs kubectl -n {} get --show-kind --ignore-not-found"
)
def test_a_namespace_that_does_not_end(reader: Reader, space: Space) -> None:
    held = {"metadata": {"name": "held", "finalizers": ["example.org/held"]}}
    space.cluster.create(space.path("configmaps"), held)
    space.cluster.delete(f"/api/v1/namespaces/{space.name}")
    try:
        gone = Removed(removed=(f"Namespace {space.name}",), kept=())
        assert "configmap/held" in reader.shown(lambda: _remove(space, "none", gone))
    finally:
        space.cluster.patch(space.path("configmaps", "held"), {"metadata": {"finalizers": None}})


def _remove(space: Space, name: str, removed: Removed) -> object:
    return remove_source(
        space.cluster, title="test", daemon_sets=[(space.name, name)], objects=lambda: removed,
        sweep=Sweep(conf=(), annotations=()), cilium_namespace=space.name, pods=OurPods(image="example"),
        timeout_seconds=0.1,
    )  # fmt: skip


@pytest.mark.executes("kubectl get pods -A -o wide --field-selector spec.nodeName={}")
def test_pods_that_do_not_come_back(reader: Reader, space: Space, node: str) -> None:
    pod = space.pod_spec("web")
    pod["metadata"]["name"] = "web"
    pod["spec"]["nodeName"] = node
    pod["metadata"]["labels"][STAYS] = "pending"
    space.cluster.create(space.path("pods"), pod)
    shown = reader.shown(
        lambda: recycle(
            space.cluster, node, stale=lambda _: False, network="Cilium", timeout_seconds=0.1, progress=QUIET
        )
    )
    assert "web" in shown


class Deaf(InDaemonSet):
    """A setting that its operator does not hand on."""

    def change(self, cluster: Cluster, families: tuple[int, ...]) -> bool:
        return True


def _prepare(way: InDaemonSet, space: Space) -> object:
    return prepare_autodetection(space.cluster, way, (4,), timeout_seconds=0.1, progress=QUIET)


@pytest.mark.executes("kubectl -n tigera-operator logs deployment/tigera-operator")
def test_an_operator_of_calico_that_does_nothing(reader: Reader, cluster: Cluster, space: Space, node: str) -> None:
    daemon_set(space, "calico-node", node, container="calico-node")
    operators = Space(cluster, "tigera-operator")
    cluster.create("/api/v1/namespaces", {"metadata": {"name": operators.name}})
    try:
        eventually(lambda: cluster.find(operators.path("serviceaccounts", "default")))
        operators.deployment("tigera-operator", replicas=1)
        eventually(lambda: operators.ready("tigera-operator"))
        reader.shown(lambda: _prepare(Deaf(daemon_set=(space.name, "calico-node")), space))
    finally:
        cluster.delete(f"/api/v1/namespaces/{operators.name}")


def test_agents_of_calico_that_do_not_start(reader: Reader, space: Space, node: str) -> None:
    daemon_set(space, "calico-node", node, container="calico-node", **{STAYS: "pending"})
    shown = reader.shown(lambda: _prepare(InDaemonSet(daemon_set=(space.name, "calico-node")), space))
    assert "calico-node-" in shown


@pytest.mark.executes("kubectl -n {} logs -l {} -c {} --tail=-1 --prefix | grep -i autodetect")
def test_agents_of_calico_that_find_no_address(reader: Reader, space: Space, node: str) -> None:
    daemon_set(space, "calico-node", node, container="calico-node")
    way = InDaemonSet(daemon_set=(space.name, "calico-node"))
    way.change(space.cluster, (4,))
    path = space.path("daemonsets", "calico-node", group=APPS)

    def rolled() -> bool:
        item: dict[str, Any] = space.cluster.get(path)
        status = item["status"]
        current = status.get("observedGeneration") == item["metadata"]["generation"]
        return bool(current and status.get("updatedNumberScheduled") == status.get("numberAvailable") == 1)

    eventually(rolled)
    reader.shown(lambda: _prepare(way, space))


@pytest.mark.executes("kubectl -n {} logs {} --tail=1")
def test_probes_that_are_not_read_in_time(reader: Reader, ours: Cluster, node: str) -> None:
    pod = Space(ours, NAMESPACE).pod_spec("probe", nodeName=node)
    pod["metadata"] = {"name": f"probe-{node}", "labels": {"app.kubernetes.io/name": probe.NAME}}
    pod["spec"]["containers"][0]["name"] = probe.NAME
    folder = f"/api/v1/namespaces/{NAMESPACE}/pods"
    ours.create(folder, pod)
    try:
        eventually(lambda: ours.get(f"{folder}/probe-{node}")["status"].get("phase") == "Running")
        reader.shown(lambda: read_probes(ours, deadline_seconds=0))
    finally:
        ours.delete(f"{folder}/probe-{node}", grace_period_seconds=0)


def test_no_probe_at_all(reader: Reader, ours: Cluster) -> None:
    reader.shown(lambda: read_probes(ours, deadline_seconds=0))


@pytest.mark.executes("kubectl annotate node {} --overwrite '{}={}'")
@pytest.mark.parametrize("workloads", [[], ["Deployment shop/web", "DaemonSet a/b"]])
def test_workloads_that_nobody_knows_to_have_been_ready(
    reader: Reader, space: Space, node: str, workloads: list[str]
) -> None:
    assert not_ready_before(space.cluster, node) is None
    reader.does(way_out(node, workloads))
    assert not_ready_before(space.cluster, node) == frozenset(workloads)


@pytest.mark.executes("kubectl api-resources --api-group={}")
def test_calico_without_settings_in_the_api(reader: Reader, space: Space) -> None:
    item = {"kind": "DaemonSet", "metadata": {"name": "calico-node", "namespace": space.name}}
    assert "NAME" in reader.does(no_settings(item, make_snapshot()))

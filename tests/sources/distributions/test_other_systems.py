"""Windows and virtual nodes, and the DaemonSets made for them: left alone, and counted apart."""

from typing import Any

import pytest

from components.checks.nodes.moving_nodes import nodes_linux, windows_nodes
from components.operations.objects.model import Node
from components.operations.removal.source_objects import Belongings, remove_objects
from components.operations.snapshot import Snapshot
from components.sources import describe
from components.sources.facts.workload import may_run_on_linux
from stacks.values import contradictions
from stacks.virtual_nodes import elsewhere, is_virtual
from tests.builders import (
    FLANNEL_CONFIG_MAP,
    FLANNEL_DAEMON_SET,
    alone,
    make_cilium,
    make_context,
    make_node,
    make_snapshot,
    secondary,
)
from tests.turns.api import Client, Objects

WINDOWS: dict[str, Any] = {"nodeSelector": {"kubernetes.io/os": "windows"}}
SYSTEM = "kubernetes.io/os"


def daemon_set(name: str, image: str, *, namespace: str = "kube-flannel", **spec: Any) -> dict[str, Any]:
    pod = {"containers": [{"name": "main", "image": image}], **spec}
    return {"metadata": {"namespace": namespace, "name": name}, "spec": {"template": {"spec": pod}}}


def affinity(*terms: list[dict[str, Any]]) -> dict[str, Any]:
    required = {"nodeSelectorTerms": [{"matchExpressions": each} for each in terms]}
    return {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}}


def system(operator: str, *names: str) -> dict[str, Any]:
    return {"key": SYSTEM, "operator": operator, "values": list(names)}


@pytest.mark.parametrize(
    ("spec", "linux"),
    [
        ({}, True),
        (WINDOWS, False),
        ({"nodeSelector": {"beta.kubernetes.io/os": "windows"}}, False),
        ({"nodeSelector": {SYSTEM: "linux", "disk": "ssd"}}, True),
        ({"os": {"name": "windows"}}, False),
        (affinity([system("In", "windows")]), False),
        (affinity([system("NotIn", "linux")]), False),
        (affinity([system("NotIn", "windows")]), True),
        (affinity([system("In", "windows")], [system("In", "linux"), {"key": "a", "operator": "Exists"}]), True),
    ],
)
def test_daemon_sets_that_come_to_windows_nodes_alone(spec: dict[str, Any], linux: bool) -> None:
    assert may_run_on_linux(daemon_set("a", "b", **spec)) is linux


@pytest.mark.parametrize(
    "theirs",
    [
        daemon_set("kube-flannel-ds-windows-amd64", "sigwindowstools/flannel:v0.22.1-hostprocess", **WINDOWS),
        daemon_set(
            "calico-node-windows", "example.com/calico/node-windows:v3.30.2", namespace="calico-system", **WINDOWS
        ),
        daemon_set(
            "antrea-agent-windows", "antrea/antrea-windows:v2.4.0", namespace="kube-system", os={"name": "windows"}
        ),
    ],
)
def test_what_serves_windows_nodes_is_not_the_old_cni(theirs: dict[str, Any]) -> None:
    found = describe(make_snapshot(daemon_sets=(theirs, FLANNEL_DAEMON_SET), config_maps=(FLANNEL_CONFIG_MAP,)))
    assert found.daemon_sets == (("kube-flannel", "kube-flannel-ds"),)


NODES = (
    make_node("worker-1"),
    make_node("worker-2", labels={SYSTEM: "windows"}),
    make_node("worker-3", labels={SYSTEM: "linux", "type": "virtual-kubelet"}),
    make_node("worker-4", labels={SYSTEM: "linux", "eks.amazonaws.com/compute-type": "fargate"}),
)


def test_they_are_counted_apart() -> None:
    said = [each.evidence for each in nodes_linux.find(make_context(make_snapshot(nodes=NODES), phase="secondary"))]
    assert said == [
        "1 node (worker-2) run Windows and stay on their network",
        "2 nodes (worker-3, worker-4) are virtual and stay on their network",
    ]
    assert make_snapshot(nodes=NODES).linux_names == {"worker-1"}


AGENTS = daemon_set("cilium", "cilium/cilium", namespace="kube-system", containers=[{"name": "cilium-agent"}])
LATE = secondary(nodes=NODES, daemon_sets=(FLANNEL_DAEMON_SET, AGENTS))
TAINTED = make_node("virtual-7", virtual=True)


@pytest.mark.parametrize(
    ("snapshot", "words"),
    [
        (make_snapshot(nodes=(*NODES, TAINTED)), ["(virtual-7), where none starts: no label tells"]),
        (LATE, ["(worker-3, worker-4), where none starts: it joined after"]),
        (make_snapshot(nodes=NODES), []),
        (secondary(), []),
    ],
)
def test_agents_that_are_sent_where_none_starts_are_told(snapshot: Snapshot, words: list[str]) -> None:
    found = [each.evidence for each in nodes_linux.find(make_context(snapshot, phase="secondary"))]
    told = [line for line in found if line.startswith("Cilium's DaemonSet sends agents")]
    assert len(told) == len(words)
    assert all(word in line for word, line in zip(words, told, strict=True))


def test_the_old_network_does_not_go_from_under_windows_nodes() -> None:
    moved = tuple(make_node(f"worker-{number}", step="migrated") for number in (1, 2, 3))
    windows = make_node("worker-4", labels={SYSTEM: "windows"})
    settings: dict[str, Any] = {"waves": [["worker-1", "worker-2", "worker-3"]]}
    for nodes, phase, told in (
        ((*moved, windows), "cleanup", 1),
        ((*moved, windows), "finalize", 0),
        (moved, "cleanup", 0),
    ):
        found = list(windows_nodes.find(make_context(alone(nodes=nodes), phase=phase, **settings)))
        assert len(found) == told


@pytest.mark.parametrize(
    ("labels", "taints", "virtual"),
    [
        ({}, [], False),
        ({"type": "gpu", "alibabacloud.com/virtual-node": "false"}, ["dedicated"], False),
        ({"type": "virtual-node"}, [], True),
        ({"liqo.io/type": "virtual-node"}, [], True),
        ({}, ["virtual-kubelet.io/provider"], True),
        ({}, ["eks.amazonaws.com/compute-type"], True),
        ({"virtualization": "virtualnode2"}, [], True),
        ({"virtualization": "kvm", "virtual-kubelet.io/provider": "none-of-these"}, [], False),
        ({"virtual-kubelet.io/provider": "admiralty"}, [], True),
        ({"virtual-node.interlink/type": "virtual-kubelet"}, [], True),
        ({"kubernetes.io/arch": "wasm32-wasi", "kubernetes.io/os": "wasm32-wasi"}, [], True),
        ({"node-role.kubernetes.io/virtual-node": ""}, [], True),
        ({}, ["virtual-node.interlink/no-schedule"], True),
        ({}, ["eks.tke.cloud.tencent.com/eklet"], True),
    ],
)
def test_virtual_nodes_are_known_by_their_makers_marks(
    labels: dict[str, str], taints: list[str], virtual: bool
) -> None:
    item = {"metadata": {"name": "n", "labels": labels}, "spec": {"taints": [{"key": key} for key in taints]}}
    assert is_virtual(labels, taints) is Node.read(item).is_virtual is virtual
    assert Node.read(item).runs_linux is not virtual


@pytest.mark.parametrize(
    ("system", "linux", "windows"),
    [("windows", False, True), ("Windows", False, True), ("darwin", False, False), ("Linux", True, False),
     ("", True, False)],
)  # fmt: skip
def test_a_node_without_labels_is_of_the_system_that_its_kubelet_says(system: str, linux: bool, windows: bool) -> None:
    node = Node.read({"metadata": {"name": "n"}, "status": {"nodeInfo": {"operatingSystem": system}}})
    assert (node.runs_linux, node.runs_windows) == (linux, windows)


def test_a_node_of_a_third_system_is_not_called_windows() -> None:
    nodes = (make_node("worker-1"), make_node("worker-2", labels={SYSTEM: "freebsd"}))
    found = list(nodes_linux.find(make_context(make_snapshot(nodes=nodes))))
    assert [each.evidence for each in found] == ["1 node (worker-2) run freebsd and stay on their network"]


@pytest.mark.parametrize(
    ("affinity", "fits"),
    [
        (affinity([*elsewhere()[0]["matchExpressions"]])["affinity"]["nodeAffinity"], True),
        ({"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "preference": {}}]}, True),
        (affinity([{"key": "type", "operator": "NotIn", "values": ["virtual-kubelet"]}])["affinity"]["nodeAffinity"],
         True),
        (affinity([{"key": "pool", "operator": "NotIn", "values": ["x"]}])["affinity"]["nodeAffinity"], False),
        (affinity([{"key": "type", "operator": "In", "values": ["virtual-kubelet"]}])["affinity"]["nodeAffinity"],
         False),
        ({"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchFields": [{"key": "metadata.n"
         "ame", "operator": "In", "values": ["worker-1"]}]}]}}, False),
    ],
)  # fmt: skip
def test_agents_keep_off_virtual_nodes_and_off_no_machine(affinity: dict[str, Any], fits: bool) -> None:
    found = contradictions(make_cilium(values={"affinity": {"nodeAffinity": affinity}}))
    assert [each.path for each in found] == ([] if fits else ["affinity.nodeAffinity"])


def test_what_others_of_the_namespace_need_stays() -> None:
    objects, space = Objects(), "kube-flannel"
    shared: dict[str, Any] = {
        "volumes": [{"name": "cfg", "configMap": {"name": "kube-flannel-cfg"}}],
        "serviceAccountName": "flannel",
    }
    for name in ("kube-flannel-ds", "kube-flannel-ds-windows"):
        item = daemon_set(name, "flannel/flannel", **shared)
        objects.add(f"/apis/apps/v1/namespaces/{space}/daemonsets", item)
    for folder, name in (("configmaps", "kube-flannel-cfg"), ("serviceaccounts", "flannel")):
        objects.add(f"/api/v1/namespaces/{space}/{folder}", {"metadata": {"namespace": space, "name": name}})
    objects.add("/api/v1/namespaces", {"metadata": {"name": space}})
    theirs = Belongings(
        namespace=space, daemon_sets=("kube-flannel-ds",), config_maps=("kube-flannel-cfg",), accounts=("flannel",),
        with_namespace=True,
    )  # fmt: skip
    found = remove_objects(Client(objects), theirs)
    assert found.removed == (f"DaemonSet {space}/kube-flannel-ds",)
    assert [each.partition(" of namespace")[0] for each in found.kept] == ["flannel", "kube-flannel-cfg"]
    Client(objects).delete(f"/apis/apps/v1/namespaces/{space}/daemonsets/kube-flannel-ds-windows")
    assert f"ConfigMap {space}/kube-flannel-cfg" in remove_objects(Client(objects), theirs).removed

"""Findings about clusters that cannot be built on a test's API server."""

import io
from typing import Any

import pytest
from rich.console import Console

from components.checks import CATALOGUE, Severity, run_checks
from components.names import NAMESPACE, NODES_NAMESPACE
from components.operations.demands.quantities import Room, asked_for, quantity
from components.operations.dry_run import Tried
from components.operations.objects.node_state import NodeState
from components.operations.objects.policy_kinds import UnknownKind
from components.operations.objects.services import Service
from components.operations.snapshot import Snapshot
from scripts.check.rendering import NOT_UNDERSTOOD, to_tables
from tests.builders import FLANNEL_DAEMON_SET, make_context, make_node, make_pod, make_snapshot, secondary

KUBE_ROUTER = {
    "metadata": {"namespace": "kube-system", "name": "kube-router"},
    "spec": {"template": {"spec": {"containers": [{"image": "cloudnativelabs/kube-router:v2"}]}}},
}
POLICY = {"metadata": {"namespace": "a", "name": "b"}, "spec": {"podSelector": {}}}
REPLACED = {"cilium": {"finalValues": {"kubeProxyReplacement": True}}}
SERVICE = Service(
    namespace="shop", name="web", addresses=("10.245.7.7",), families=("IPv4",), balanced=False, local_only=False,
    selector={},
)  # fmt: skip


@pytest.mark.parametrize(
    ("check", "snapshot", "settings", "told", "severity"),
    [
        ("kubernetes-version", make_snapshot(server_version="v1.20.15"), {}, "v1.20.15", Severity.BLOCKER),
        ("kubernetes-version", make_snapshot(server_version="v1.21.0-eks-1"), {}, "", None),
        ("network-policies", make_snapshot(policy_objects=(POLICY,)), {"phase": "finalize"}, "a/b", Severity.WARNING),
        ("network-policies", make_snapshot(policy_objects=(POLICY,), daemon_sets=(KUBE_ROUTER, FLANNEL_DAEMON_SET)), {},
         "DaemonSet kube-system/kube-router enforces 1 policy", Severity.WARNING),
        ("network-policies", make_snapshot(policy_objects=(POLICY,), server_version="v1.33.1+k3s1"), {}, "k3s enforces",
         Severity.WARNING),
        ("kube-proxy-mode", make_snapshot(kube_proxy_mode="ipvs"), REPLACED, "is to replace it", Severity.WARNING),
        ("pod-cidr-free", make_snapshot(service_networks=(), services=(SERVICE,)),
         {"cilium": {"podCidr": "10.245.0.0/16"}}, "Service shop/web",
         Severity.BLOCKER),
        ("host-ports", secondary(pods=(make_pod("edge", host_ports=(80,)),)),
         {"phase": "migrate", "waves": [["worker-1"]], "drain": {"inPlace": True}}, "would not be reached",
         Severity.BLOCKER),
        ("clocks", make_snapshot(clock_skews={"worker-1": 7.0, "gone": 900}), {}, "worker-1 is 7 s ahead of",
         Severity.WARNING),
        ("required-workloads", make_snapshot(not_ready={"DaemonSet a/b": "does not exist"}), {}, "DaemonSet a/b",
         Severity.BLOCKER),
        ("spare-capacity", secondary(pods=(make_pod("web", asks=Room(cores=9, pods=1)),)),
         {"phase": "migrate", "waves": [["worker-1"]]}, "", None),
        ("spare-capacity",
         secondary(
             pods=(make_pod("web", asks=Room(cores=2, pods=1)),),
             node_states={
                 f"worker-{number}": NodeState(
                     room=Room(cores=3, pods=9), taints=frozenset({"gpu="} if number > 1 else ()))
                 for number in (1, 2, 3)
             }),
         {"phase": "migrate", "waves": [["worker-1"]]}, "the 0 nodes outside", Severity.WARNING),
    ],
)  # fmt: skip
def test_what_is_found(
    check: str, snapshot: Snapshot, settings: dict[str, Any], told: str, severity: Severity | None
) -> None:
    found = run_checks([each for each in CATALOGUE if each.id == check], make_context(snapshot, **settings))
    assert [each.severity for each in found] == ([severity] if severity else [])
    assert all(told in each.line for each in found)


@pytest.mark.parametrize(
    ("text", "number"),
    [("250m", 0.25), ("4", 4), ("1Ki", 1024), ("1.5Gi", 1.5 * 1024**3), ("2k", 2000), ("1e3", 1000), ("x", 0)],
)
def test_quantities_are_as_the_api_writes_them(text: str, number: float) -> None:
    assert quantity(text) == number


def test_a_pod_asks_for_what_the_scheduler_sets_aside() -> None:
    def container(cpu: str, **fields: str) -> dict[str, Any]:
        return {"resources": {"requests": {"cpu": cpu}}, **fields}

    spec = {
        "containers": [container("1"), container("500m")],
        "initContainers": [container("1", restartPolicy="Always"), container("3")],
        "overhead": {"cpu": "100m"},
    }
    assert asked_for(spec) == Room(cores=4.1, pods=1)


def test_a_node_selector_that_the_cluster_adds_is_told_as_the_clusters() -> None:
    tried = Tried(node_selectors={NAMESPACE: {"pool": "infra"}, NODES_NAMESPACE: {}})
    seen = secondary(nodes=(make_node("worker-1"),), tried=tried)
    context = make_context(seen, waves=[["worker-1"]], phase="migrate")
    (line,) = (each.line for each in run_checks(CATALOGUE, context) if each.check == "pods-node-selector")
    assert "the cluster's admission adds the node selector pool=infra, which keeps our pods off worker-1" in line
    assert "have namespace cni-live-migration exempted" in line


def shown(snapshot: Snapshot, **settings: Any) -> str:
    console = Console(width=200, record=True, file=io.StringIO())
    for table in to_tables(run_checks(CATALOGUE, make_context(snapshot, phase="secondary", **settings))):
        console.print(table)
    return console.export_text()


def test_what_was_not_understood_has_a_heading_of_its_own() -> None:
    tunnels = {
        "metadata": {"namespace": "infra", "name": "tunnels"},
        "spec": {"template": {"spec": {"hostNetwork": True, "containers": [
            {"name": "main", "image": "acme/tunnels", "securityContext": {"privileged": True}}]}}},
    }  # fmt: skip
    kinds = (UnknownKind(title="FlowPolicy.acme.org", count=2, names=("a", "b")),)
    seen = make_snapshot(unknown_kinds=kinds, daemon_sets=(FLANNEL_DAEMON_SET, tunnels))
    before, heading, after = shown(seen).partition(NOT_UNDERSTOOD)
    assert heading
    assert "tunnels" not in before
    assert after.index("host-network-placed") < after.index("policy-kinds")
    assert "kind of policy" in after
    taken = shown(seen, acknowledge={"host-network-placed": "ours, it only listens"})
    assert "acknowledged: ours, it only listens" in taken


def test_a_cluster_that_is_wholly_understood_has_no_such_heading() -> None:
    assert NOT_UNDERSTOOD not in shown(make_snapshot())

"""Objects in `cleanup.remove`, on a real API server: checked, refused if they must stay, removed if they may go."""

import pytest

from components.names import NAMESPACE, NODES_NAMESPACE
from components.operations.cluster_api.api import Cluster
from components.operations.deadline import OperationError
from components.operations.removal.removals import look_at, remove
from stacks.notation.objects import ObjectName, object_name
from tests.checks.site import SHOP, Site
from tests.faults.site import eventually

pytestmark = pytest.mark.apiserver
RBAC = "/apis/rbac.authorization.k8s.io/v1"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def named(*titles: str) -> list[ObjectName]:
    return [object_name(title) for title in titles]


def define(site: Site, *, group: str) -> str:
    """A kind of objects; returns where they are kept, once that is served."""
    name = f"pools.{group}"
    schema = {"openAPIV3Schema": {"type": "object"}}
    body = {
        "metadata": {"name": name},
        "spec": {
            "group": group, "scope": "Cluster",
            "names": {"plural": "pools", "singular": "pool", "kind": "Pool", "listKind": "PoolList"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }  # fmt: skip
    site.add(DEFINITIONS, body)
    path = f"/apis/{group}/v1/pools"
    eventually(lambda: site.cluster.find(path))
    return path


def go(cluster: Cluster, *titles: str, seconds: float = 20) -> list[str]:
    return remove(cluster, named(*titles), cilium_namespace="kube-system", timeout_seconds=seconds)


def test_what_may_go_goes_and_done_twice_it_does_nothing(site: Site) -> None:
    site.daemon_set("agent")
    site.namespaced("configmaps", "settings")
    site.add(f"{RBAC}/clusterroles", {"metadata": {"name": "agent"}, "rules": []})
    titles = [f"DaemonSet {SHOP}/agent", f"ConfigMap {SHOP}/settings", "ClusterRole agent", "PriorityClass none"]
    assert go(site.cluster, *titles) == titles[:3]
    assert go(site.cluster, *titles) == []


@pytest.mark.parametrize(
    ("title", "whose"),
    [
        ("DaemonSet kube-system/cilium-envoy", "Cilium's"),
        ("ConfigMap kube-system/cilium-config", "Cilium's"),
        ("ClusterRole cilium-operator", "Cilium's"),
        ("CustomResourceDefinition ciliumnodes.cilium.io", "Cilium's"),
        ("Namespace kube-system", "Kubernetes' own"),
        (f"Namespace {NAMESPACE}", "this program's own"),
        (f"ConfigMap {NAMESPACE}/record", "this program's own"),
        (f"Namespace {NODES_NAMESPACE}", "this program's own"),
        (f"Secret {NODES_NAMESPACE}/team", "this program's own"),
        (f"ClusterRole {SHOP}-by-label", "Cilium's"),
        (f"DaemonSet {SHOP}/cilium", ""),
        (f"ClusterRole {SHOP}", ""),
    ],
)
def test_what_is_needed_stays(site: Site, title: str, whose: str) -> None:
    labels = {"app.kubernetes.io/part-of": "cilium"}
    site.add(f"{RBAC}/clusterroles", {"metadata": {"name": f"{SHOP}-by-label", "labels": labels}, "rules": []})
    site.namespaced("configmaps", "settings")
    (name,) = named(title)
    assert look_at(site.cluster, name, cilium_namespace="kube-system").kept_for == whose
    if whose:
        with pytest.raises(OperationError, match="and stays: take it out of"):
            go(site.cluster, f"ConfigMap {SHOP}/settings", title)
        assert site.cluster.find(f"/api/v1/namespaces/{SHOP}/configmaps/settings"), "refused before the first deletion"


def test_what_a_definition_takes_with_it_is_counted(site: Site) -> None:
    path = define(site, group="old.example.org")
    (name,) = named("CustomResourceDefinition pools.old.example.org")
    for number in range(3):
        site.add(path, {"apiVersion": "old.example.org/v1", "kind": "Pool", "metadata": {"name": f"pool-{number}"}})
    assert look_at(site.cluster, name, cilium_namespace="kube-system").within == "its 3 objects"
    (found,) = site.found("cleanup-removals", phase="cleanup", cleanup={"remove": [name.title]})
    assert "CustomResourceDefinition pools.old.example.org with its 3 objects" in found.line
    assert go(site.cluster, name.title) == [name.title]


def test_what_is_held_is_told_with_who_holds_it(site: Site) -> None:
    site.namespaced("configmaps", "held", metadata={"finalizers": ["example.org/holds"]})
    try:
        with pytest.raises(OperationError) as caught:
            go(site.cluster, f"ConfigMap {SHOP}/held", seconds=0.5)
    finally:
        site.cluster.patch(f"/api/v1/namespaces/{SHOP}/configmaps/held", {"metadata": {"finalizers": None}})
    assert f"ConfigMap {SHOP}/held: removed: not within" in str(caught.value)
    assert "it waits for example.org/holds" in str(caught.value)
    assert f"`kubectl -n {SHOP} get -o yaml configmap held`" in str(caught.value)

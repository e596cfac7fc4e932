"""The drain where no kubelet and no controller interferes: every status is what the test wrote."""

import secrets
from dataclasses import dataclass
from typing import Any

import pytest

from components.operations.cluster_api.api import Cluster
from components.operations.deadline import OperationError
from scripts.lab.simulated.control_plane import ControlPlane
from tests.operations.draining.site import run

pytestmark = pytest.mark.apiserver

READY, UNREADY = ({"conditions": [{"type": "Ready", "status": status}]} for status in ("True", "False"))


@dataclass
class Bare:
    """A namespace and a node by name alone."""

    cluster: Cluster
    name: str

    def path(self, kind: str, group: str = "/api/v1") -> str:
        return f"{group}/namespaces/{self.name}/{kind}"

    def pod(self, name: str, *, status: dict[str, Any], node: str = "") -> str:
        owner = {"apiVersion": "batch/v1", "kind": "Job", "name": "job", "uid": "1", "controller": True}
        spec = {"nodeName": node or self.name, "containers": [{"name": "main", "image": "example"}]}
        metadata = {"name": name, "labels": {"app": "web"}, "ownerReferences": [owner]}
        self.cluster.create(self.path("pods"), {"metadata": metadata, "spec": spec})
        self.cluster.patch(f"{self.path('pods')}/{name}/status", {"status": {"phase": "Running", **status}})
        return f"{self.path('pods')}/{name}"

    def budget(self, *, healthy: int, desired: int, policy: str) -> None:
        spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}, "unhealthyPodEvictionPolicy": policy}
        collection = self.path("poddisruptionbudgets", "/apis/policy/v1")
        self.cluster.create(collection, {"metadata": {"name": "pdb"}, "spec": spec})
        status = {
            "currentHealthy": healthy,
            "desiredHealthy": desired,
            "expectedPods": 3,
            "disruptionsAllowed": 0,
            "observedGeneration": 1,
        }
        self.cluster.patch(f"{collection}/pdb/status", {"status": status})


@pytest.fixture
def bare(bare_plane: ControlPlane) -> Bare:
    cluster = Cluster(kubeconfig=str(bare_plane.kubeconfig))
    name = f"bare-{secrets.token_hex(3)}"
    cluster.create("/api/v1/namespaces", {"metadata": {"name": name}})
    cluster.create(f"/api/v1/namespaces/{name}/serviceaccounts", {"metadata": {"name": "default"}})
    return Bare(cluster, name)


@pytest.mark.parametrize(
    ("status", "healthy", "policy", "goes"),
    [
        (READY, 2, "AlwaysAllow", False),
        (UNREADY, 1, "AlwaysAllow", True),
        (UNREADY, 1, "IfHealthyBudget", False),
        (UNREADY, 2, "IfHealthyBudget", True),
        ({**UNREADY, "phase": "Pending"}, 1, "IfHealthyBudget", True),
        ({**UNREADY, "phase": "Failed"}, 1, "IfHealthyBudget", True),
    ],
)
def test_a_pod_under_a_budget_goes(bare: Bare, status: dict[str, Any], healthy: int, policy: str, goes: bool) -> None:
    bare.pod("web", status=status)
    bare.budget(healthy=healthy, desired=2, policy=policy)
    options = {"grace_period_seconds": 0, "timeout_seconds": 1 if not goes else 10}
    if goes:
        assert run(bare.cluster, bare.name, **options) == (f"{bare.name}/web",)
    else:
        with pytest.raises(OperationError, match=f"budget {bare.name}/pdb needs 2 available, has {healthy}"):
            run(bare.cluster, bare.name, **options)


@pytest.mark.parametrize("disable_eviction", [False, True])
def test_the_grace_period_is_handed_on_and_named_when_it_is_too_long(bare: Bare, disable_eviction: bool) -> None:
    path = bare.pod("web", status=READY)
    with pytest.raises(OperationError, match=r"still terminating after 1 s, its grace period ends 20\d\d-"):
        run(bare.cluster, bare.name, grace_period_seconds=77, timeout_seconds=1, disable_eviction=disable_eviction)
    assert bare.cluster.get(path)["metadata"]["deletionGracePeriodSeconds"] == 77


def test_a_pod_of_the_same_name_elsewhere_is_left_alone(bare: Bare, bare_plane: ControlPlane) -> None:
    """As a StatefulSet's pod that was re-created while its eviction was on its way: kubectl would evict that one."""
    path = bare.pod("store-0", status=READY)

    class Overtaken(Cluster):
        def create(self, path: str, body: Any) -> dict[str, Any]:
            if path.endswith("/eviction"):
                self.delete(path.removesuffix("/eviction"), grace_period_seconds=0)
                Bare(bare.cluster, bare.name).pod("store-0", status=READY, node="elsewhere")
            return super().create(path, body)

    run(Overtaken(kubeconfig=str(bare_plane.kubeconfig)), bare.name, timeout_seconds=10)
    assert "deletionTimestamp" not in bare.cluster.get(path)["metadata"]

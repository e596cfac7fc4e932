"""A namespace of its own on the real API server for each test, and workloads that simulated nodes run."""

import json
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import pytest

from components.names import NAMESPACES
from components.operations.cluster_api.api import Cluster
from components.operations.turn_annotations import node_path
from scripts.lab.simulated.control_plane import ControlPlane
from tests.operations.reading import Reader

Object = dict[str, Any]
KINDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
T = TypeVar("T")


@pytest.fixture(scope="session")
def cluster(control_plane: ControlPlane) -> Cluster:
    return Cluster(kubeconfig=str(control_plane.kubeconfig))


@dataclass
class Space:
    """One namespace; everything in it goes with the test."""

    cluster: Cluster
    name: str

    def path(self, kind: str, name: str = "", *, group: str = "/api/v1") -> str:
        return f"{group}/namespaces/{self.name}/{kind}" + (f"/{name}" if name else "")

    def pod_spec(self, app: str, **fields: Any) -> Object:
        return {
            "metadata": {"labels": {"app": app}},
            "spec": {
                "containers": [{"name": "main", "image": "example"}],
                "terminationGracePeriodSeconds": 1,
                "tolerations": [{"operator": "Exists", "key": "kwok.x-k8s.io/node"}],
                **fields,
            },
        }

    def deployment(self, app: str, *, replicas: int, **fields: Any) -> None:
        body = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": app},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": {"app": app}},
                "template": self.pod_spec(app, **fields),
            },
        }
        self.cluster.create(self.path("deployments", group="/apis/apps/v1"), body)

    def daemon_set(self, app: str) -> None:
        body = {
            "apiVersion": "apps/v1",
            "kind": "DaemonSet",
            "metadata": {"name": app},
            "spec": {"selector": {"matchLabels": {"app": app}}, "template": self.pod_spec(app)},
        }
        self.cluster.create(self.path("daemonsets", group="/apis/apps/v1"), body)

    def budget(self, name: str, *, app: str, min_available: int) -> None:
        body = {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": name},
            "spec": {"minAvailable": min_available, "selector": {"matchLabels": {"app": app}}},
        }
        self.cluster.create(self.path("poddisruptionbudgets", group="/apis/policy/v1"), body)

    def pods(self, app: str) -> list[Object]:
        return self.cluster.list(self.path("pods"), labelSelector=f"app={app}")

    def ready(self, app: str) -> list[Object]:
        return [
            pod
            for pod in self.pods(app)
            if any(
                each["type"] == "Ready" and each["status"] == "True" for each in pod["status"].get("conditions") or []
            )
            and "deletionTimestamp" not in pod["metadata"]
        ]


@pytest.fixture
def space(cluster: Cluster) -> Iterator[Space]:
    name = f"test-{secrets.token_hex(4)}"
    cluster.create("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    eventually(lambda: cluster.find(f"/api/v1/namespaces/{name}/serviceaccounts/default"))
    yield Space(cluster, name)
    cluster.delete(f"/api/v1/namespaces/{name}")


@pytest.fixture
def node(control_plane: ControlPlane, cluster: Cluster) -> Iterator[str]:
    """A simulated node of the test's own, so that no other test's pods are on it."""
    name = f"turn-{secrets.token_hex(3)}"
    control_plane.add_node(name)
    yield name
    cluster.delete(node_path(name))


@pytest.fixture
def reader(control_plane: ControlPlane) -> Reader:
    return Reader(control_plane)


@pytest.fixture
def ours(cluster: Cluster) -> Cluster:
    """The cluster with our namespaces."""
    for name in NAMESPACES:
        if cluster.find(f"/api/v1/namespaces/{name}") is None:
            cluster.create("/api/v1/namespaces", {"metadata": {"name": name}})
    for name in NAMESPACES:
        eventually(partial(cluster.find, f"/api/v1/namespaces/{name}/serviceaccounts/default"))
    return cluster


@pytest.fixture
def kinds(cluster: Cluster) -> Iterator[None]:
    """Cilium's kinds of nodes, as its operator registers them."""
    made = []
    for plural, kind, scope in (
        ("ciliumnodes", "CiliumNode", "Cluster"),
        ("ciliumnodeconfigs", "CiliumNodeConfig", "Namespaced"),
    ):
        name = f"{plural}.cilium.io"
        if cluster.find(f"{KINDS}/{name}") is not None:
            continue
        anything = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
        names = {"plural": plural, "singular": kind.lower(), "kind": kind}
        version = {"name": "v2", "served": True, "storage": True, "schema": anything}
        spec = {"group": "cilium.io", "scope": scope, "names": names, "versions": [version]}
        cluster.create(KINDS, {"metadata": {"name": name}, "spec": spec})
        made.append(name)
    eventually(
        lambda: cluster.find("/apis/cilium.io/v2/ciliumnodes") and cluster.find("/apis/cilium.io/v2/ciliumnodeconfigs")
    )
    yield
    for name in made:
        cluster.delete(f"{KINDS}/{name}")


def eventually(probe: Callable[[], T], seconds: float = 30) -> T:
    end = time.monotonic() + seconds
    while True:
        found = probe()
        if found or time.monotonic() > end:
            assert found, f"not within {seconds} s: {json.dumps(found)}"
            return found
        time.sleep(0.1)

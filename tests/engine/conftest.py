"""The program on the real engine, against a real API server whose nodes are simulated and which runs `Flannel`."""

import json
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from components.names import NAMESPACE, NAMESPACES
from components.namespaces import namespace
from components.operations.cluster_api.api import Cluster
from components.operations.turn_annotations import STEP
from scripts.lab.session import Session
from scripts.lab.simulated.control_plane import ControlPlane
from stacks.values import live_settings, migration_values
from tests.builders import FLANNEL, FLANNEL_CONFIG_MAP, FLANNEL_DAEMON_SET, make_cilium

NODES = ("worker-1", "worker-2", "worker-3")
LABELS = {"app": "flannel"}


def _apply(plane: ControlPlane, *objects: dict[str, Any]) -> None:
    together = {"apiVersion": "v1", "kind": "List", "items": objects}
    plane.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=json.dumps(together))


def _flannel() -> list[dict[str, Any]]:
    daemon_set = json.loads(json.dumps(FLANNEL_DAEMON_SET))
    daemon_set |= {"apiVersion": "apps/v1", "kind": "DaemonSet"}
    daemon_set["spec"]["selector"] = {"matchLabels": LABELS}
    daemon_set["spec"]["template"]["metadata"] = {"labels": LABELS}
    daemon_set["spec"]["template"]["spec"]["containers"][0]["name"] = "kube-flannel"
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-flannel"}},
        {"apiVersion": "v1", "kind": "ConfigMap", **FLANNEL_CONFIG_MAP},
        daemon_set,
    ]


def as_secondary(plane: ControlPlane, *, migrated: tuple[str, ...] = ()) -> None:
    """Put the cluster into the state that phase `secondary` leaves, with some nodes past their turn."""
    live = live_settings(migration_values(make_cilium()))
    _apply(
        plane,
        *map(namespace, NAMESPACES),
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "record", "namespace": NAMESPACE},
            "data": {"source": FLANNEL.model_dump_json()},
        },
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "cilium-config", "namespace": "kube-system"},
            "data": live,
        },
    )
    for node in migrated:
        plane.kubectl("annotate", "node", node, f"{STEP}=migrated", "--overwrite")


def populate(running: ControlPlane) -> None:
    """Nodes, and Flannel on them."""
    for name in NODES:
        running.add_node(name)
    _apply(running, *_flannel())


@pytest.fixture
def plane() -> Iterator[ControlPlane]:
    with ControlPlane(simulated_nodes=True) as running:
        populate(running)
        yield running


@pytest.fixture
def stack(plane: ControlPlane, tmp_path: Path) -> Session:
    return Session.start(kubeconfig=plane.kubeconfig, stack=f"test-{secrets.token_hex(3)}", folder=tmp_path, echo=False)


@pytest.fixture
def fingerprint(plane: ControlPlane) -> Callable[[], dict[str, str]]:
    """All objects that a run could change, with their versions: equal before and after means nothing was changed.

    What the controller manager puts into each new namespace in its own time is not among them.
    """
    cluster = Cluster(kubeconfig=str(plane.kubeconfig))
    paths = (
        "/api/v1/namespaces",
        "/api/v1/configmaps",
        "/api/v1/services",
        "/api/v1/serviceaccounts",
        "/api/v1/secrets",
        "/apis/apps/v1/daemonsets",
        "/apis/apps/v1/deployments",
        "/apis/rbac.authorization.k8s.io/v1/clusterroles",
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    )

    def take() -> dict[str, str]:
        found = {
            f"{path} {item['metadata'].get('namespace', '')}/{item['metadata']['name']}": str(
                item["metadata"]["generation"]
                if "generation" in item["metadata"]
                else item["metadata"]["resourceVersion"]
            )
            for path in paths
            for item in cluster.list(path)
            if item["metadata"]["name"] not in ("default", "kube-root-ca.crt") or path.endswith("/namespaces")
        }
        for item in cluster.list("/api/v1/nodes"):
            kept = {key: item["metadata"].get(key) for key in ("labels", "annotations")}
            found[f"node {item['metadata']['name']}"] = json.dumps([kept, item["spec"]], sort_keys=True)
        return found

    return take

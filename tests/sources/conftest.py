"""An API server that knows Calico's kinds, and whatever objects a test asks for."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from components.names import NAMESPACE
from components.operations.cluster_api.api import Cluster
from components.operations.deadline import Deadline, Pending, wait_until
from scripts.lab.simulated.control_plane import ControlPlane
from scripts.lab.simulated.processes import Processes
from tests.checks.site import Site
from tests.sources import upstream

KINDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def wait_until_kinds_are_gone(cluster: Cluster) -> None:
    """A kind goes some time after its deletion, once its objects have."""

    def gone() -> Pending | None:
        left = [each["metadata"]["name"] for each in cluster.list(KINDS) if each["metadata"].get("deletionTimestamp")]
        return Pending(f"{left} left") if left else None

    wait_until(gone, what="Calico's kinds gone", deadline=Deadline(60), remedy="look at the API server")


def define_kinds(cluster: Cluster) -> None:
    """Create those of Calico's kinds and its operator's that are missing, and wait until all are served.

    Each is listed once: the API server's finalizer gives up for minutes on a kind whose storage nobody opened yet.
    """
    wait_until_kinds_are_gone(cluster)
    there = {item["metadata"]["name"] for item in cluster.list(KINDS)}
    wanted = upstream.kinds("tigera-operator")
    for each in wanted:
        if each["metadata"]["name"] not in there:
            cluster.create(KINDS, each)

    def served() -> Pending | None:
        folders = [f"/apis/{each['spec']['group']}/v1/{each['spec']['names']['plural']}" for each in wanted]
        missing = [folder for folder in folders if cluster.find(folder) is None]
        return Pending(f"{missing} are not served") if missing else None

    wait_until(served, what="Calico's kinds", deadline=Deadline(60), remedy="look at the API server")


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    with ControlPlane() as running:
        assert isinstance(running.folder, Path)
        Processes(running.folder / "processes").stop("kube-controller-manager")
        cluster = Cluster(kubeconfig=str(running.kubeconfig))
        for name in (NAMESPACE, "shop"):
            cluster.create("/api/v1/namespaces", {"metadata": {"name": name}})
        define_kinds(cluster)
        yield running


@pytest.fixture
def site(plane: ControlPlane) -> Iterator[Site]:
    """A cluster of two nodes."""
    made = Site(Cluster(kubeconfig=str(plane.kubeconfig)))
    for number in (1, 2):
        made.node(f"worker-{number}", address=f"192.0.2.{number}")
    yield made
    made.clear()

"""An API server that knows Calico's kinds, and whatever objects a test asks for."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from components.names import NAMESPACE
from components.operations.api import Cluster
from components.operations.deadline import Deadline, Pending, wait_until
from scripts.lab.simulated.control_plane import ControlPlane
from scripts.lab.simulated.processes import Processes
from tests.checks.site import Site
from tests.sources import upstream

KINDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def define_kinds(cluster: Cluster) -> None:
    """Create those of Calico's kinds and its operator's that are missing, and wait until all are served."""
    there = {item["metadata"]["name"] for item in cluster.list(KINDS)}
    for each in upstream.kinds("tigera-operator"):
        if each["metadata"]["name"] not in there:
            cluster.create(KINDS, each)

    def served() -> Pending | None:
        pools = cluster.find("/apis/crd.projectcalico.org/v1/ippools")
        installations = cluster.find("/apis/operator.tigera.io/v1/installations")
        return None if pools is not None and installations is not None else Pending("not yet")

    wait_until(served, what="Calico's kinds", deadline=Deadline(30), remedy="look at the API server")


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
    for name in ("worker-1", "worker-2"):
        made.node(name)
    yield made
    made.clear()

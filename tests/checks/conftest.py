"""An API server where nothing happens but what a test asks for, and a cluster made of objects on it."""

from collections.abc import Iterator

import pytest

from components.names import NAMESPACES
from components.namespaces import namespace
from components.operations.cluster_api.api import Cluster
from scripts.lab.simulated.control_plane import ControlPlane
from scripts.lab.simulated.processes import Processes
from tests.checks.site import SHOP, Site


@pytest.fixture(scope="session")
def plane() -> Iterator[ControlPlane]:
    with ControlPlane(api_server_flags={"service-cluster-ip-range": "10.96.0.0/16,fd00:96::/112"}) as running:
        assert running.folder
        Processes(running.folder / "processes").stop("kube-controller-manager")
        cluster = Cluster(kubeconfig=str(running.kubeconfig))
        others = ({"metadata": {"name": name}} for name in (SHOP, "kube-flannel"))
        for body in (*others, *map(namespace, NAMESPACES)):
            cluster.create("/api/v1/namespaces", body)
        for name in (SHOP, *NAMESPACES):
            cluster.create(f"/api/v1/namespaces/{name}/serviceaccounts", {"metadata": {"name": "default"}})
        yield running


@pytest.fixture
def bare(plane: ControlPlane) -> Iterator[Site]:
    site = Site(Cluster(kubeconfig=str(plane.kubeconfig)))
    yield site
    site.clear()


@pytest.fixture
def site(bare: Site) -> Site:
    bare.flannel()
    return bare

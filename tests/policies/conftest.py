"""An API server that knows Calico's kinds and Cilium's policies, and a cluster with Calico on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from components.names import NAMESPACE
from components.operations.cluster_api.api import Cluster
from components.operations.deadline import Deadline, Pending, wait_until
from scripts.lab.simulated.control_plane import ControlPlane
from scripts.lab.simulated.processes import Processes
from scripts.lab.toolchain.build import download_module
from scripts.lab.toolchain.parts import CILIUM_VERSION
from tests.checks.site import Site
from tests.policies.oracle import matrix
from tests.sources import upstream
from tests.sources.conftest import define_kinds

_KINDS = Path("pkg/k8s/apis/cilium.io/client/crds/v2")
CILIUM = "/apis/cilium.io/v2"


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    with ControlPlane() as running:
        assert isinstance(running.folder, Path)
        Processes(running.folder / "processes").stop("kube-controller-manager")
        cluster = Cluster(kubeconfig=str(running.kubeconfig))
        for name in (NAMESPACE, "shop"):
            cluster.create("/api/v1/namespaces", {"metadata": {"name": name}})
        for name, labels in matrix.SPACES.items():
            cluster.create("/api/v1/namespaces", {"metadata": {"name": name, "labels": dict(labels)}})
        define_kinds(cluster)
        folder = download_module("github.com/cilium/cilium", f"v{CILIUM_VERSION}") / _KINDS
        for kind in ("ciliumnetworkpolicies", "ciliumclusterwidenetworkpolicies"):
            cluster.create(
                "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
                yaml.safe_load((folder / f"{kind}.yaml").read_text()),
            )

        def served() -> Pending | None:
            missing = cluster.find(f"{CILIUM}/ciliumclusterwidenetworkpolicies") is None
            return Pending("not yet") if missing else None

        wait_until(served, what="Cilium's kinds", deadline=Deadline(30), remedy="look at the API server")
        yield running


@pytest.fixture
def site(plane: ControlPlane) -> Iterator[Site]:
    """Two nodes with Calico, and the matrix's policies."""
    made = Site(Cluster(kubeconfig=str(plane.kubeconfig)))
    for number in (1, 2):
        made.node(f"worker-{number}", pod_cidrs=[f"10.244.{number}.0/24"])
    objects = [each for each in upstream.calico("calico-vxlan") if each["kind"] in ("DaemonSet", "ConfigMap")]
    for item in [
        *objects,
        upstream.pool(vxlanMode="Always"),
        *(each for items in matrix.CALICO.values() for each in items),
    ]:
        made.add(upstream.folder_of(item), item)
    for item in matrix.KUBERNETES:
        made.add(f"/apis/networking.k8s.io/v1/namespaces/{item['metadata']['namespace']}/networkpolicies", item)
    yield made
    made.clear()

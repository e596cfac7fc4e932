"""The ConfigMap of the probe's programs on a real API server: always those of this version, and no others."""

import pytest

from components.operations.cluster_api.api import Cluster
from components.operations.probes.probe_programs import put_programs, remove_programs, version_there
from components.probe import NAMESPACE, PROGRAMS, sources, version_of
from scripts.lab.simulated.control_plane import ControlPlane

pytestmark = pytest.mark.apiserver
_PATH = f"/api/v1/namespaces/{NAMESPACE}/configmaps/{PROGRAMS}"


def test_it_holds_the_programs_of_this_version_whatever_was_there(control_plane: ControlPlane) -> None:
    cluster = Cluster(kubeconfig=str(control_plane.kubeconfig))
    if cluster.find(f"/api/v1/namespaces/{NAMESPACE}") is None:
        cluster.create("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
    remove_programs(cluster)
    assert version_there(cluster) is None
    put_programs(cluster)
    assert version_there(cluster) == version_of(sources())
    cluster.patch(_PATH, {"data": {"probe.py": "print()", "of_an_earlier_version.py": "pass"}})
    assert version_there(cluster) not in (None, version_of(sources()))
    put_programs(cluster)
    assert cluster.get(_PATH)["data"] == sources()
    remove_programs(cluster)
    remove_programs(cluster)
    assert version_there(cluster) is None

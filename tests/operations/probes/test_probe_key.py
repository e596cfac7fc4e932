"""The probes' key on a real API server: drawn once, and left as it is from then on."""

import base64
from typing import Any

import pytest

from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError
from components.operations.probes.probe_key import ensure_key, has_key, remove_key
from components.probe import KEY_ENTRY, KEY_SECRET, NAMESPACE
from scripts.lab.simulated.control_plane import ControlPlane

pytestmark = pytest.mark.apiserver


def _key(cluster: Cluster) -> bytes:
    data: dict[str, Any] = cluster.get(f"/api/v1/namespaces/{NAMESPACE}/secrets/{KEY_SECRET}")["data"]
    return base64.b64decode(data[KEY_ENTRY])


def test_it_is_drawn_once_and_goes_with_the_probe(control_plane: ControlPlane) -> None:
    cluster = Cluster(kubeconfig=str(control_plane.kubeconfig))
    if cluster.find(f"/api/v1/namespaces/{NAMESPACE}") is None:
        with pytest.raises(ClusterError, match="not found"):
            ensure_key(cluster)
        cluster.create("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
    remove_key(cluster)
    assert not has_key(cluster)
    ensure_key(cluster)
    first = _key(cluster)
    assert len(first) == 64
    ensure_key(cluster)
    assert has_key(cluster)
    assert _key(cluster) == first
    remove_key(cluster)
    remove_key(cluster)
    ensure_key(cluster)
    assert _key(cluster) != first
    remove_key(cluster)

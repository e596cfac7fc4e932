"""Events as `kubectl describe node` shows them."""

import pytest

from components.operations.cluster_api.api import Cluster
from components.operations.events import tell
from scripts.lab.simulated.control_plane import ControlPlane

pytestmark = pytest.mark.apiserver


def test_a_node_tells_its_story(control_plane: ControlPlane, cluster: Cluster, node: str) -> None:
    tell(cluster, node, reason="MigrationDrain", message="3 pods to evict")
    tell(cluster, node, reason="MigrationFailed", message="no luck", warning=True)
    described = control_plane.kubectl("describe", "node", node)
    assert "MigrationDrain" in described
    assert "3 pods to evict" in described
    assert "Warning" in described

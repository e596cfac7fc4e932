"""The manifests on a real API server with simulated nodes."""

import json

import pytest

from scripts.lab.simulated.control_plane import ControlPlane
from scripts.lab.workloads.apply import Workloads
from scripts.lab.workloads.manifests import NAMESPACE

pytestmark = pytest.mark.apiserver


def _budgets(control_plane: ControlPlane) -> dict[str, int]:
    listed = json.loads(control_plane.kubectl("get", "poddisruptionbudget", "-n", NAMESPACE, "-o", "json"))
    return {item["metadata"]["name"]: item["status"]["disruptionsAllowed"] for item in listed["items"]}


def test_up_twice_then_down(control_plane: ControlPlane) -> None:
    workloads = Workloads(control_plane.kubeconfig, kubectl=control_plane.kubectl_binary)
    workloads.up(deadline_seconds=60)
    workloads.up(deadline_seconds=60)
    assert _budgets(control_plane) == {"web": 1, "store": 1}
    names = control_plane.kubectl("get", "pods", "-n", NAMESPACE, "-o", "name").split()
    assert len(names) == 4 + 2 + 2 + 2 + 2
    workloads.down(deadline_seconds=60)
    assert not control_plane.kubectl("get", "namespace", NAMESPACE, "--ignore-not-found")

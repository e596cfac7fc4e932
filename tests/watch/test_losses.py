"""The watch's data on flows: from the probes of simulated nodes, and with a kubelet that never answers."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from components import probe
from components.operations.cluster_api.api import Cluster
from scripts.bench.probes import deploy
from scripts.lab.simulated import lab
from scripts.lab.simulated.control_plane import ControlPlane
from scripts.lab.simulated.faults import BrokenFlow, Faults
from scripts.watch.losses import Losses
from scripts.watch.reading import WatchedCluster
from scripts.watch.view import failing
from tests.operations.conftest import eventually


@pytest.fixture
def plane() -> Iterator[ControlPlane]:
    with ControlPlane(simulated_nodes=True, pod_network=lab.POD_NETWORK) as running:
        yield running


@pytest.mark.apiserver
def test_losses_are_read_from_the_cluster_as_they_come(plane: ControlPlane) -> None:
    losses = Losses(WatchedCluster(kubeconfig=str(plane.kubeconfig)), "kube-system")
    losses.read()
    assert losses.latest is None
    assert losses.untold.startswith("no probe runs in namespace cni-live-migration")
    deploy(plane, nodes=3)

    def read() -> list[Any]:
        losses.read()
        return failing(losses.latest) if losses.latest else []

    eventually(lambda: losses.latest or read() or losses.latest)
    assert (losses.untold, read()) == ("", [])
    with plane.faults.during(Faults(flows=(BrokenFlow(source="worker-1", target="worker-2"),))):
        found = eventually(read)
    assert {(flow.source_node, flow.target_node) for _, flow in found} == {("worker-1", "worker-2")}
    assert all(at is not None for at, _ in found)


class Hanging(Cluster):
    """A probe whose log never comes."""

    def __init__(self) -> None:
        self.asked, self.over = threading.Event(), threading.Event()

    def list(self, path: str, **_query: Any) -> list[dict[str, Any]]:
        metadata = {"namespace": probe.NAMESPACE, "name": "probe-a", "uid": "a"}
        item = {"metadata": metadata, "spec": {"nodeName": "worker-1"}, "status": {"phase": "Running"}}
        return [item] if "/pods" in path else []

    def find(self, path: str, **_query: Any) -> None:
        return None

    def logs(self, **_query: Any) -> str:
        self.asked.set()
        self.over.wait()
        return ""


def test_a_kubelet_that_does_not_answer_holds_up_nobody_else() -> None:
    cluster = Hanging()
    losses = Losses(cluster, "kube-system")
    try:
        losses.start()  # and returns, though the log does not come before the end of the test
        assert cluster.asked.wait(60)
        assert (losses.latest, losses.untold) == (None, "")
    finally:
        cluster.over.set()

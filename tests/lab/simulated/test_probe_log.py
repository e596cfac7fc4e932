"""The reader on simulated nodes: all probes' logs through the API server, what is broken, who is silent."""

import time
from collections.abc import Iterator

import pytest

from components.names import NAMESPACE
from components.operations.cluster_api.api import Cluster
from components.operations.deadline import OperationError
from components.operations.objects.model import Pod
from components.operations.probes.probe_logs import read_probes
from components.probe.budget import Allowance, Budget, broken
from components.probe.reading import measure
from components.probe.records import Networks
from scripts.bench.probes import deploy
from scripts.lab.simulated import lab
from scripts.lab.simulated.control_plane import ControlPlane
from scripts.lab.simulated.faults import BrokenFlow, Faults, PodFaults

pytestmark = pytest.mark.apiserver
_NETWORKS = Networks(old=(lab.POD_NETWORK,))
_BUDGET = Budget(kinds={"pod-echo": Allowance(gap_ms=500), "pod-http": Allowance()})


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    with ControlPlane(simulated_nodes=True, pod_network=lab.POD_NETWORK) as running:
        with pytest.raises(OperationError, match="no probe runs in namespace"):
            read_probes(Cluster(kubeconfig=str(running.kubeconfig)))
        deploy(running, nodes=3)
        time.sleep(5)
        yield running


@pytest.fixture(scope="module")
def cluster(plane: ControlPlane) -> Cluster:
    return Cluster(kubeconfig=str(plane.kubeconfig))


def test_all_probes_are_read(cluster: Cluster) -> None:
    reading, silent = read_probes(cluster)
    measured = measure(reading, networks=_NETWORKS, silent=silent)
    assert measured.probes == 5
    assert silent == []
    assert {flow.source_node for flow in measured.flows} == {"worker-1", "worker-2", "worker-3"}
    assert all(flow.target_network == "old" for flow in measured.flows if flow.kind == "pod-echo")
    assert broken(measured, _BUDGET) == []


def test_the_pasts_make_a_timeline(cluster: Cluster) -> None:
    time.sleep(2)
    reading, _ = read_probes(cluster, with_pasts=True)
    measured = measure(reading, networks=_NETWORKS)
    assert {moment.kind for moment in measured.timeline} >= {"pod-echo", "pod-http", "dns"}
    # The API server is asked every five seconds only.
    assert all(moment.sent > 0 for moment in measured.timeline if moment.kind != "api")


def test_a_broken_path_is_told_by_its_flow(plane: ControlPlane, cluster: Cluster) -> None:
    with plane.faults.during(Faults(flows=(BrokenFlow(source="worker-1", target="worker-2"),))):
        before, _ = read_probes(cluster)
        time.sleep(5)
        reading, _ = read_probes(cluster)
    lines = broken(measure(reading, networks=_NETWORKS, since=before), _BUDGET)
    assert lines
    assert all(line.startswith("worker-1 → worker-2, pod to pod") for line in lines), lines


def test_a_node_whose_logs_cannot_be_read_is_silent(plane: ControlPlane, cluster: Cluster) -> None:
    pods = map(Pod.read, cluster.list(f"/api/v1/namespaces/{NAMESPACE}/pods"))
    mute = {f"{NAMESPACE}/{pod.name}": PodFaults(logs_fail=True) for pod in pods if pod.node == "worker-3"}
    with plane.faults.during(Faults(pods=mute)):
        reading, silent = read_probes(cluster)
    assert silent == ["worker-3"]
    assert "worker-3: its probe could not be read" in "\n".join(
        broken(measure(reading, networks=_NETWORKS, silent=silent), _BUDGET)
    )

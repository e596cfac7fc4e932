"""Probes whose kubelets do not answer hold up a reading until its deadline, and no longer."""

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from components import probe
from components.operations.api import Cluster, ClusterError
from components.operations.deadline import OperationError
from components.operations.probe_logs import read_probes, read_probes_at


def _record(node: str) -> str:
    record = {
        "probe": 1, "pod": f"probe-{node}", "node": node, "ip": "10.244.1.2", "run": "a", "number": 1, "since": 0.0,
        "at": time.time(), "flows": [], "names": {}, "outages": [], "pauses": [],
    }  # fmt: skip
    return json.dumps(record, separators=(",", ":"))


class Kubelets(Cluster):
    """A probe on each node; the log of some never comes, that of others is refused."""

    def __init__(self, *nodes: str, hang: tuple[str, ...] = (), refuse: tuple[str, ...] = ()) -> None:
        self._nodes, self._hang, self._refuse = nodes, hang, refuse
        self.over = threading.Event()

    def list(self, path: str, **_query: Any) -> list[dict[str, Any]]:
        if path == "/api/v1/nodes":
            return [{"metadata": {"name": node}} for node in self._nodes]
        return [
            {
                "metadata": {"namespace": probe.NAMESPACE, "name": f"probe-{node}", "uid": node},
                "spec": {"nodeName": node},
                "status": {"phase": "Running"},
            }
            for node in self._nodes
        ]

    def logs(self, **query: Any) -> str:
        node = str(query["pod"]).removeprefix("probe-")
        if node in self._hang:
            self.over.wait(30)
        if node in self._refuse:
            raise ClusterError("no answer", status=500)
        return _record(node)


@pytest.fixture
def kubelets() -> Iterator[Kubelets]:
    nodes = [f"worker-{number:02}" for number in range(40)]
    made = Kubelets(*nodes, hang=tuple(nodes[10:30]), refuse=("worker-01",))
    yield made
    made.over.set()


def test_the_error_names_the_nodes_that_were_not_read_and_what_to_run(kubelets: Kubelets) -> None:
    began = time.monotonic()
    with pytest.raises(OperationError) as caught:
        read_probes(kubelets, deadline_seconds=0.4)
    assert time.monotonic() - began < 5
    text = str(caught.value)
    assert "20 of 40 were not read in 0 s, those of worker-10, worker-11" in text
    assert "worker-21 and 8 more: `kubectl -n cni-live-migration logs`" in text
    assert "traffic.deadlineSeconds" in text
    assert "worker-09" not in text


def test_the_reading_from_before_a_wave_has_a_deadline_too(kubelets: Kubelets) -> None:
    with pytest.raises(OperationError, match="20 of 40 were not read"):
        read_probes_at(kubelets, datetime.now(UTC), deadline_seconds=0.4)


def test_a_kubelet_that_refuses_costs_its_own_probe_alone() -> None:
    reading, silent = read_probes(Kubelets("worker-1", "worker-2", "worker-3", refuse=("worker-2",)))
    assert sorted(record.node for record in reading.latest.values()) == ["worker-1", "worker-3"]
    assert silent == ["worker-2"]

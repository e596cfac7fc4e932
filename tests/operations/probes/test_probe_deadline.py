"""Probes whose kubelets do not answer hold up a reading until its deadline, and no longer."""

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from components import probe
from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError
from components.operations.deadline import OperationError
from components.operations.probes.probe_logs import read_probes, read_probes_at
from components.operations.probes.traffic import Change, Rules, judge
from components.operations.progress import Progress
from components.probe.budget import Budget
from components.probe.records import Networks


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
        self.over, self.answered = threading.Event(), list[str]()

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
            self.answered.append(node)
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
    with pytest.raises(OperationError) as caught:
        read_probes(kubelets, deadline_seconds=2)
    assert kubelets.answered == []
    text = str(caught.value)
    assert "20 of 40 were not read in 2 s, those of worker-10, worker-11" in text
    assert "worker-21 and 8 more: `kubectl -n cni-live-migration logs probe-worker-10 --tail=1`" in text
    assert "traffic.deadlineSeconds" in text
    assert "worker-09" not in text


def test_the_reading_from_before_a_wave_has_a_deadline_too(kubelets: Kubelets) -> None:
    with pytest.raises(OperationError, match="20 of 40 were not read"):
        read_probes_at(kubelets, datetime.now(UTC), deadline_seconds=2)


def test_a_kubelet_that_refuses_costs_its_own_probe_alone() -> None:
    reading, silent = read_probes(Kubelets("worker-1", "worker-2", "worker-3", refuse=("worker-2",)))
    assert sorted(record.node for record in reading.latest.values()) == ["worker-1", "worker-3"]
    assert silent == ["worker-2"]


class Rebooted(Kubelets):
    """A probe whose container began anew, with the log of before, and the words of a pod of whom it is the heir."""

    began = datetime(2026, 11, 20, 12, 0, 10, tzinfo=UTC)
    boot = began.timestamp() + 20

    def list(self, path: str, **_query: Any) -> list[dict[str, Any]]:
        found = super().list(path)
        for each in found if path != "/api/v1/nodes" else []:
            each["status"]["containerStatuses"] = [{"restartCount": 1}]
        return found

    def logs(self, **query: Any) -> str:
        same = json.loads(_record("worker-1"))
        since = query["since"].timestamp() if query.get("since") else 0.0
        old = [{**same, "run": "old", "number": n, "at": self.began.timestamp() + n} for n in range(-5, 10)]
        inherited = {**same, "run": "gone", "pod": "b", "number": 7, "at": self.boot - 5, "by": "probe-worker-1"}
        new = [{**same, "run": "new", "number": n, "at": self.boot + n} for n in range(4)]
        lines = old if query.get("previous") else [inherited, *new]
        return "\n".join(json.dumps(each, separators=(",", ":")) for each in lines if each["at"] >= since)


def test_what_a_run_had_counted_when_a_wave_began_is_found_in_the_log_of_before_its_restart() -> None:
    at = {key: each.at for key, each in read_probes_at(Rebooted("worker-1"), Rebooted.began).latest.items()}
    assert at[("probe-worker-1", "old")] == Rebooted.began.timestamp()
    assert at[("probe-worker-1", "new")] == Rebooted.boot
    assert ("b", "gone") not in at, "an heir tells the end of a run, not what it had counted when the wave began"


@pytest.mark.parametrize(("moment", "failed"), [(Rebooted.began, 9), (datetime.fromtimestamp(Rebooted.boot, UTC), 0)])
def test_a_process_that_goes_on_with_a_wave_counts_the_losses_of_that_wave(moment: datetime, failed: int) -> None:
    """Each record of the run that ended has lost one more than the one before; the run that ended earlier, nothing."""

    class Losing(Rebooted):
        def logs(self, **query: Any) -> str:
            told = [json.loads(line) for line in super().logs(**query).splitlines()]
            for each in told:
                lost = each["number"] + 5 if each["run"] == "old" else 0
                row = {"kind": "pod-http", "to": "10.244.2.3", "sent": 100 + lost, "failed": lost, "latency": [0] * 12}
                each["flows"] = [row]
            return "\n".join(json.dumps(each, separators=(",", ":")) for each in told if each["run"] != "gone")

    rules = Rules(
        budget=Budget(kinds={}), networks=Networks(), baseline_seconds=20, soak_seconds=0, deadline_seconds=5,
    )  # fmt: skip
    change = Change.of_wave(f"wave since {moment}")
    progress = Progress("it", 1)
    measured, _ = judge(Losing("worker-1"), change=change, since=moment, restarts=[], rules=rules, progress=progress)
    assert sum(flow.failed for flow in measured.flows) == failed

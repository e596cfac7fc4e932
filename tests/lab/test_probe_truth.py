"""The probe can't be fooled: faults made by force on the real lab, against what its records say of them."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from components import probe
from components.namespaces import namespace
from components.operations.cluster_api.api import Cluster
from components.operations.probes.probe_logs import read_probes
from components.pods import OurPods
from components.probe import manifests
from components.probe.budget import Allowance, Budget, broken
from components.probe.measured import Measurement, Outage
from components.probe.reading import measure
from components.probe.records import Networks
from scripts.lab.images import catalogue
from scripts.lab.lab import Lab
from tests.lab.faults import Fault, drop, stop

pytestmark = [pytest.mark.lab, pytest.mark.timeout(400)]

_NETWORKS = Networks(old=("10.244.0.0/16",), new=("10.245.0.0/16",))
_SOAK_SECONDS = 60
_APART_SECONDS = 4.0
_STRICT = Budget(
    kinds={
        kind: Allowance(failed=0, gap_ms=149) for kind in ("pod-http", "pod-full", "pod-echo", "service-echo", "dns")
    }
)
_RECORDED_SECONDS = 3.0


@dataclass
class Truth:
    """The injected faults, and the probes' measurements: before any fault, and over all of them."""

    nodes: dict[str, str]
    quiet: Measurement
    faults: dict[str, Fault] = field(default_factory=dict)
    measured: Measurement | None = None

    def during(self, name: str, kind: str) -> list[Outage]:
        """The outages of one kind at the time of a fault, between pods that stay: others are anywhere."""
        assert self.measured
        fault = self.faults[name]
        return [
            outage
            for outage in self.measured.outages
            if outage.kind == kind
            and "moving" not in outage.source_pod + outage.target_pod
            and fault.start - 1 < outage.start.timestamp() < fault.end + 0.5
        ]

    def lines(self, name: str) -> list[str]:
        """The verdict of a strict budget on the time of one fault alone."""
        assert self.measured
        fault = self.faults[name]
        within = [
            outage
            for outage in self.measured.outages
            if fault.start - 1 < outage.start.timestamp() < fault.end + 1 and not outage.planned
        ]
        return [
            line
            for line in broken(self.measured, _STRICT)
            if any(line.startswith(f"{each.source_node} → {each.target_node}") for each in within)
        ]


def _apply(lab: Lab) -> None:
    items = [namespace(probe.NAMESPACE), *manifests.manifests(OurPods(image=catalogue.PYTHON))]
    lab.kubectl(
        "apply", "--server-side", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    )
    for name in (f"daemonset/{probe.NAME}", f"deployment/{manifests.MOVING}"):
        lab.kubectl("-n", probe.NAMESPACE, "rollout", "status", name, "--timeout=90s")


@pytest.fixture(scope="module")
def truth() -> Iterator[Truth]:
    lab = Lab()
    lab.down()
    lab.up(nodes=3)
    try:
        _apply(lab)
        yield _act(lab)
    finally:
        lab.down()


def _act(lab: Lab) -> Truth:
    cluster = Cluster(kubeconfig=str(lab.kubeconfig))
    time.sleep(8)  # until all have met
    first, _ = read_probes(cluster)
    time.sleep(_SOAK_SECONDS)
    reading, silent = read_probes(cluster)
    quiet = measure(reading, networks=_NETWORKS, since=first, silent=silent)
    items = json.loads(lab.kubectl("get", "nodes", "-o", "json").stdout)["items"]
    blocks = {item["metadata"]["name"]: item["spec"]["podCIDR"] for item in items}
    one, two, three = (blocks[f"worker-{number}"] for number in (1, 2, 3))
    staying = {record.node: record.pod for record in reading.latest.values() if "moving" not in record.pod}
    truth = Truth(nodes=staying, quiet=quiet)

    def drops(name: str, node: str, rule: list[str], *, seconds: float) -> None:
        truth.faults[name] = drop(lab, node, rule, seconds=seconds)
        time.sleep(_APART_SECONDS + seconds)

    for seconds in (0.15, 0.3, 1.0, 5.0):
        drops(f"one way {seconds}", "worker-1", ["-s", one, "-d", two], seconds=seconds)
    large = ["-m", "length", "--length", "1200:65535"]
    drops("full size", "worker-2", ["-s", two, "-d", three, *large], seconds=2.0)
    drops("names", "worker-3", ["-s", three, "-p", "udp", "--dport", "53"], seconds=2.0)
    truth.faults["paused"] = stop(staying["worker-2"], seconds=2.5)
    time.sleep(_APART_SECONDS + _RECORDED_SECONDS)
    last, silent = read_probes(cluster)
    truth.measured = measure(last, networks=_NETWORKS, since=reading, silent=silent)
    return truth


def _near(outage: Outage, fault: Fault, *, milliseconds: float) -> None:
    allowed = milliseconds + fault.unsure * 1000
    assert abs(outage.start.timestamp() - fault.start) * 1000 <= allowed, outage
    assert abs(outage.start.timestamp() + outage.milliseconds / 1000 - fault.end) * 1000 <= allowed, outage


def test_without_a_fault_nothing_is_reported(truth: Truth) -> None:
    assert broken(truth.quiet, _STRICT) == []
    assert [outage for outage in truth.quiet.outages if not outage.planned] == []
    assert truth.quiet.probes == 5
    assert {flow.source_node for flow in truth.quiet.flows} == {"worker-1", "worker-2", "worker-3"}
    assert all(flow.source_network == "old" for flow in truth.quiet.flows)


_ONE_WAY = ["one way 0.15", "one way 0.3", "one way 1.0", "one way 5.0"]


@pytest.mark.parametrize("name", _ONE_WAY)
def test_a_one_way_loss_is_told_by_both_ends_and_by_nobody_else(truth: Truth, name: str) -> None:
    fault = truth.faults[name]
    outages = truth.during(name, "pod-echo")
    told = {(outage.source_node, outage.target_node): outage.lost for outage in outages}
    assert told == {("worker-1", "worker-2"): "there", ("worker-2", "worker-1"): "back"}
    for outage in outages:
        _near(outage, fault, milliseconds=100)
        assert abs(outage.milliseconds - fault.milliseconds) <= 50 + 2000 * fault.unsure
        assert not outage.planned
    assert any("worker-1 → worker-2, pod to pod, long connection, old→old" in line for line in truth.lines(name))


def test_a_black_hole_for_full_size_packets_hurts_only_these(truth: Truth) -> None:
    assert truth.during("full size", "pod-echo") == []
    outages = truth.during("full size", "pod-full")
    told = {(outage.source_node, outage.target_node): outage.lost for outage in outages}
    assert told == {("worker-2", "worker-3"): "there", ("worker-3", "worker-2"): "back"}
    for outage in outages:
        _near(outage, truth.faults["full size"], milliseconds=100)
    assert any("worker-2 → worker-3, pod to pod, full-size packets" in line for line in truth.lines("full size"))


def test_a_name_server_that_is_away_is_told_by_the_node_that_lost_it(truth: Truth) -> None:
    outages = truth.during("names", "dns")
    assert {outage.source_node for outage in outages} == {"worker-3"}
    for outage in outages:
        _near(outage, truth.faults["names"], milliseconds=100)
        assert outage.failed
    assert any("worker-3 → the name server, name lookups" in line for line in broken(_measured(truth), _STRICT))
    assert truth.during("names", "pod-echo") == []


def test_a_paused_probe_is_found_and_not_called_a_loss(truth: Truth) -> None:
    fault, pod = truth.faults["paused"], truth.nodes["worker-2"]
    pauses = [pause for pause in _measured(truth).pauses if pause.pod == pod and pause.milliseconds > 1000]
    assert len(pauses) == 1
    assert abs(pauses[0].start.timestamp() - fault.start) <= 0.1
    assert abs(pauses[0].milliseconds - fault.milliseconds) <= 100
    outages = [each for kind in ("pod-echo", "pod-full", "pod-http") for each in truth.during("paused", kind)]
    assert {outage.target_node for outage in outages} == {"worker-2"}
    assert all("did not run" in outage.planned for outage in outages), outages
    for outage in outages:
        if outage.kind == "pod-echo":
            _near(outage, fault, milliseconds=100)
    said = [line for line in broken(_measured(truth), _STRICT) if line.startswith(f"probe {pod} on worker-2")]
    assert len(said) == 1
    assert "did not run for" in said[0]


def _measured(truth: Truth) -> Measurement:
    assert truth.measured
    return truth.measured

"""A real Prometheus reads real probes, found on a real API server, and answers every question of the documents."""

import asyncio
import math
import re
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from components.operations.cluster_api.api import Cluster
from components.operations.deadline import OperationError
from components.operations.gates.alerts import assert_none_firing
from components.pods import OurPods
from components.probe import LABELS, NAMESPACE
from components.probe.manifests import daemon_set
from scripts.lab.simulated.control_plane import ControlPlane
from stacks.sections.gates import GateSettings
from tests.monitoring.documents import DASHBOARD, RULES, SCRAPE, alert_rules, filled, read, walk
from tests.monitoring.prometheus import Prometheus, promtool
from tests.monitoring.targets import as_files
from tests.probe.loopback import Probes

pytestmark = pytest.mark.apiserver

_NAMES = ("probe-11", "probe-12", "probe-13")
_KINDS = ("pod-http", "pod-full", "pod-echo", "service-http", "service-echo", "dns")
# Each probe has three kinds of flow to each of the two others, and three that are to no pod.
_FLOWS = 3 * (3 * 2 + 3)
_NODES = {f"node-of-{name}" for name in _NAMES}
_PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
_RULES = alert_rules()


@dataclass
class Story:
    """A Prometheus that read the probes while one was killed and another stopped, and a moment after all of it."""

    prometheus: Prometheus
    moment: float
    refusal: str

    def ask(self, expression: str) -> list[tuple[dict[str, str], float]]:
        return self.prometheus.ask(filled(expression), at=self.moment)


def _pod(name: str, probes: Probes, *, node: str = "") -> dict[str, Any]:
    """A pod as the DaemonSet makes it; its ports are those of the process on loopback."""
    template = daemon_set(OurPods(image="image"))["spec"]["template"]
    (main,) = template["spec"]["containers"]
    for port in main["ports"]:
        port["containerPort"] = {"http": probes.http, "echo": probes.echo}[port["name"]]
    spec = {**template["spec"], "nodeName": node or f"node-of-{name}"}
    return {"metadata": {"name": name, "labels": template["metadata"]["labels"]}, "spec": spec}


def _create(cluster: Cluster, pod: dict[str, Any], *, address: str, phase: str = "Running") -> None:
    cluster.create(_PODS, pod)
    status = {"phase": phase, "podIP": address, "podIPs": [{"ip": address}]}
    cluster.patch(f"{_PODS}/{pod['metadata']['name']}/status", {"status": status})


@pytest.fixture(scope="module")
def cluster(bare_plane: ControlPlane) -> Iterator[Cluster]:
    """Our namespace, without any of our pods before and after."""
    cluster = Cluster(kubeconfig=str(bare_plane.kubeconfig))
    if not cluster.find(f"/api/v1/namespaces/{NAMESPACE}"):
        cluster.create("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
    account = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts"
    if not cluster.find(f"{account}/default"):
        cluster.create(account, {"metadata": {"name": "default"}})
    yield cluster
    for pod in cluster.list(_PODS):
        cluster.delete(f"{_PODS}/{pod['metadata']['name']}", grace_period_seconds=0)


async def _until(prometheus: Prometheus, expression: str, *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not await asyncio.to_thread(prometheus.ask, expression):
        assert time.monotonic() < deadline, expression
        await asyncio.sleep(0.3)


async def _live(probes: Probes, prometheus: Prometheus) -> None:
    """Some good time; then the third probe is killed and comes back, and the second does not run for a while."""
    await _until(prometheus, "count(count_over_time(cni_probe_pauses_total[1m]) > 3) == 3")
    await _until(prometheus, f'count(cni_probe_attempts_total{{outcome="answered"}} > 3) >= {_FLOWS}')
    probes.processes["probe-13"].kill()
    await asyncio.sleep(7)
    await probes.start("probe-13")
    await _until(prometheus, 'sum(cni_probe_outage_seconds_count{cause="lost",kind="pod-echo"}) > 0')
    stopped = probes.processes["probe-12"]
    stopped.send_signal(signal.SIGSTOP)
    await asyncio.sleep(1.2)
    stopped.send_signal(signal.SIGCONT)
    await _until(prometheus, 'sum(cni_probe_outage_seconds_count{cause="planned",kind="pod-echo"}) > 0')
    await _until(prometheus, "sum(cni_probe_pauses_total) > 0")
    await _until(prometheus, 'ALERTS{alertname="CniProbeLosesTraffic",alertstate="firing"}')


@pytest.fixture(scope="module")
def story(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Scraped as the documents say, only oftener."""
    folder = tmp_path_factory.mktemp("monitoring")
    (folder / "probes").mkdir()
    probes = Probes(folder / "probes", subnet=206)
    for name in _NAMES:
        _create(cluster, _pod(name, probes), address=probes.address(name))
    # None of ours: a pod that ended, though its address is in use, and one that only has a port of that name.
    _create(cluster, _pod("ended", probes), address=probes.address("probe-11"), phase="Failed")
    stranger = _pod("stranger", probes)
    stranger["metadata"]["labels"] = {**LABELS, "app.kubernetes.io/name": "stranger"}
    _create(cluster, stranger, address=probes.address("probe-11"))
    config = as_files(read(SCRAPE), cluster, folder)
    for job in config["scrape_configs"]:
        job.update(scrape_interval="1s", scrape_timeout="1s")
    config |= {"global": {"evaluation_interval": "1s"}, "rule_files": [str(RULES)]}

    async def act(prometheus: Prometheus) -> Story:
        gate = GateSettings(prometheus_url=prometheus.url).prometheus
        async with probes:
            probes.tell(staying=list(_NAMES), service="probe-12")
            for name in _NAMES:
                await probes.start(name)
            await _live(probes, prometheus)
            with pytest.raises(OperationError) as refused:
                await asyncio.to_thread(assert_none_firing, gate, ignore="")
            return Story(prometheus, moment=time.time(), refusal=str(refused.value))

    with Prometheus(folder, config) as prometheus:
        yield asyncio.run(act(prometheus))


_PANEL_QUERIES = [
    pytest.param(target["expr"], id=f"{panel['title']}-{target['refId']}")
    for panel in walk(read(DASHBOARD))
    for target in panel.get("targets", [])
]


@pytest.mark.parametrize("expression", _PANEL_QUERIES)
def test_every_panel_has_data(story: Story, expression: str) -> None:
    found = story.ask(expression)
    assert found
    assert any(math.isfinite(value) for _, value in found), found


def test_no_question_of_the_dashboard_is_left_out() -> None:
    """Wherever one can be in the JSON: a panel's, a variable's or an annotation's."""
    document = read(DASHBOARD)
    asked = {each["expr"] for each in walk(document) if "expr" in each}
    annotations = {each["expr"] for each in document["annotations"]["list"]}
    assert asked == {each.values[0] for each in _PANEL_QUERIES} | annotations
    assert len(asked) > 20


def test_the_variables_offer_what_there_is(story: Story) -> None:
    offered = {}
    for variable in read(DASHBOARD)["templating"]["list"]:
        if variable["type"] == "query":
            match = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"])
            assert match, variable["query"]
            selector, label = match.groups()
            offered[variable["name"]] = set(
                story.prometheus.get(f"label/{label}/values", **{"match[]": filled(selector)})
            )
    assert offered == {"namespace": {NAMESPACE}, "node": _NODES}


def test_the_marks_are_the_alerts(story: Story) -> None:
    (mark,) = read(DASHBOARD)["annotations"]["list"]
    assert {labels["alertname"] for labels, _ in story.ask(mark["expr"])} >= {"CniProbeLosesTraffic"}


def test_only_the_probes_are_read_and_each_is_known_by_its_node_and_pod(story: Story) -> None:
    found = {
        (labels["node"], labels["pod"], labels["namespace"]) for labels, _ in story.ask("max_over_time(up[1m]) == 1")
    }
    assert found == {(f"node-of-{name}", name, NAMESPACE) for name in _NAMES}
    targets = story.prometheus.get("targets", state="active")["activeTargets"]
    assert len(targets) == len(_NAMES)


def test_what_was_lost_and_what_was_planned_are_told_apart(story: Story) -> None:
    lost = story.ask('sum by (target_node) (cni_probe_attempts_total{outcome="failed",kind=~"pod-.*"}) > 0')
    assert "node-of-probe-13" in {labels["target_node"] for labels, _ in lost}
    kinds = {labels["kind"] for labels, _ in story.ask('cni_probe_outage_seconds_count{cause="lost"} > 0')}
    assert {"pod-http", "pod-full", "pod-echo"} <= kinds <= set(_KINDS)
    outages = story.ask('cni_probe_outage_seconds_sum{cause="lost",kind="pod-echo"} > 6')
    assert {"node-of-probe-11", "node-of-probe-12"} <= {labels["node"] for labels, _ in outages}
    assert story.ask('cni_probe_outage_seconds_count{cause="planned",kind="pod-echo"} > 0')


def test_rules_of_it_fire_and_close_the_gate(story: Story) -> None:
    rules = [rule for group in story.prometheus.get("rules")["groups"] for rule in group["rules"]]
    assert {rule["name"]: rule["health"] for rule in rules} == {rule["alert"]: "ok" for rule in _RULES}
    assert "CniProbeLosesTraffic" in story.refusal
    assert "no node was touched" in story.refusal


@pytest.mark.parametrize("rule", _RULES, ids=[rule["alert"] for rule in _RULES])
def test_every_rule_looks_at_something_that_is_there(story: Story, rule: dict[str, Any]) -> None:
    looked_at, _, _ = rule["expr"].rsplit(maxsplit=2)
    found = story.ask(looked_at)
    assert found
    assert all({"namespace", "node"} <= set(labels) for labels, _ in found)


def test_rules_fire_when_they_should() -> None:
    promtool("check", "rules", str(RULES))
    promtool("test", "rules", str(Path(__file__).parent / "rules-test.yaml"))

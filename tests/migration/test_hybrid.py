"""The whole migration on the real lab, with everything in its way that the operator of one may meet.

The tests are one story in order: each begins where the one before ended.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from components.operations.objects.model import Node
from components.operations.turn.turn_record import record_of_turn
from scripts.lab import assertions
from scripts.lab.session import diagnostics
from scripts.lab.toolchain.pulumi import stack_history
from scripts.lab.workloads.explanations import Outage
from tests.migration.lab_with_traffic import Stage
from tests.runs import unlock

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    stage = Stage.fresh()
    yield stage
    stage.lab.down()


def test_preflight_brings_the_probe_and_looks_at_each_node(stage: Stage) -> None:
    stage.up(phase="preflight")
    facts = stage.objects("-n", "cni-live-migration", "get", "configmap", "facts")["data"]
    assert sorted(facts) == stage.nodes
    assert all("10-flannel.conflist" in text and '"flannel.1"' in text for text in facts.values())


def test_a_port_that_is_busy_on_one_node_is_refused_in_preview(stage: Stage) -> None:
    command = "import socket,time; s=socket.socket(2,2); s.bind(('',8499)); time.sleep(600)"
    stage.lab.exec("worker-2", ["sh", "-c", f'setsid python3 -c "{command}" >/dev/null 2>&1 & echo $! > /run/busy'])
    stage.up(cilium__tunnelPort="8499")
    stage.session.set(phase="secondary")
    run = stage.session.preview(check=False)
    assert run.exit_code != 0
    assert "cilium.tunnelPort 8499 (UDP) is in use on node worker-2" in run.output
    releases = stage.lab.kubectl("-n", "kube-system", "get", "daemonset", "cilium", check=False)
    assert releases.returncode != 0, "nothing may have been installed"
    stage.lab.exec("worker-2", ["sh", "-c", "kill $(cat /run/busy)"], check=False)
    stage.session.set(cilium__tunnelPort="8473")


def test_secondary_touches_no_pod_and_no_conf(stage: Stage) -> None:
    before = {pod["metadata"]["uid"] for pod in stage.objects("get", "pods", "-n", "lab-workloads")["items"]}
    stage.up(phase="secondary")
    after = {pod["metadata"]["uid"] for pod in stage.objects("get", "pods", "-n", "lab-workloads")["items"]}
    assert after == before
    for node in stage.nodes:
        assertions.node_is_on_source(stage.lab, node)
        mtu = stage.lab.exec(node, ["cat", "/sys/class/net/cilium_vxlan/operstate"]).stdout.strip()
        assert mtu in ("unknown", "up")


def test_an_engine_killed_in_a_drain_continues_where_it_was(stage: Stage) -> None:
    stage.set_waves(["worker-1"])
    stage.kill_up_when(" gone, left")
    node = stage.objects("get", "node", "worker-1")
    assert node["metadata"]["annotations"]["cni-live-migration/step"] == "draining"
    assert node["spec"]["unschedulable"] is True
    unlock(stage.session)
    stage.session.up()
    assertions.node_is_on_cilium(stage.lab, "worker-1")


def test_a_second_up_does_nothing(stage: Stage) -> None:
    assert "unchanged" in stage.session.up().output
    run = stage.session.preview()
    assert "to create" not in run.output
    assert "to update" not in run.output


def test_finalize_after_one_of_three_nodes_is_refused(stage: Stage) -> None:
    versions = [stage.objects("get", kind, "-A") for kind in ("daemonsets", "nodes")]
    before = [[each["metadata"].get("generation") for each in items["items"]] for items in versions]
    stage.session.set(phase="finalize")
    for run in (stage.session.preview(check=False), stage.session.up(check=False)):
        assert run.exit_code != 0
        assert "needs every node on Cilium, but 1 of 3 are: worker-2, worker-3 are not" in diagnostics(run.output)
    versions = [stage.objects("get", kind, "-A") for kind in ("daemonsets", "nodes")]
    assert [[each["metadata"].get("generation") for each in items["items"]] for items in versions] == before
    stage.session.set(phase="migrate")


def test_a_label_removed_by_hand_is_drift_and_is_mended(stage: Stage) -> None:
    stage.lab.kubectl("label", "node", "worker-1", "io.cilium.migration/cilium-default-")
    stage.session.pulumi("refresh", "--yes", "--skip-preview", "--non-interactive")
    assert "to update" in stage.session.preview().output
    stage.session.up()
    assertions.node_is_on_cilium(stage.lab, "worker-1")
    assert "to update" not in stage.session.preview().output


def test_a_node_taken_out_of_the_waves_goes_back_also_when_stopped_midway(stage: Stage) -> None:
    stage.set_waves()
    output = stage.interrupt_up_when("] agent: re-creating")
    assert "node worker-1: stopped as asked in step 'agent'" in output
    assert stage.objects("get", "node", "worker-1")["spec"]["unschedulable"] is True
    stage.session.up()
    for node in stage.nodes:
        assertions.node_is_on_source(stage.lab, node)


def test_an_engine_killed_in_the_cut_over_continues_where_it_was(stage: Stage) -> None:
    stage.set_waves(["worker-1"])
    stage.kill_up_when("] agent: CNI conf is")
    unlock(stage.session)
    stage.session.up()
    assertions.node_is_on_cilium(stage.lab, "worker-1")


def test_a_wave_of_two_nodes_by_reboot(stage: Stage) -> None:
    boots = {node: _boot_id(stage, node) for node in stage.nodes}
    stage.session.set(restart__method="reboot")
    stage.set_waves(["worker-1"], ["worker-2", "worker-3"])
    began = datetime.now(UTC)
    # Two of three nodes at once: the budget of the sample workloads needs three of four pods.
    stage.session.up()
    stage.outages += [Outage(node=node, start=began, end=datetime.now(UTC)) for node in ("worker-2", "worker-3")]
    for node in ("worker-2", "worker-3"):
        assertions.node_is_on_cilium(stage.lab, node)
        assert _boot_id(stage, node) != boots[node]
    assert _boot_id(stage, "worker-1") == boots["worker-1"]
    outputs = stage.outputs()
    assert outputs["nodesDone"] == stage.nodes
    assert outputs["nodesToDo"] == []
    record = record_of_turn(Node.read(stage.objects("get", "node", "worker-2")))
    assert {name: record[name] for name in ("began", "finished")} == outputs["nodes"]["worker-2"]
    assert record["restarted"] is True
    assert record["verified"]["flows"] >= 5
    described = stage.lab.kubectl("describe", "node", "worker-2").stdout
    for reason in ("MigrationCordon", "MigrationDrain", "MigrationAgent", "MigrationReboot", "MigrationDone"):
        assert reason in described


def _boot_id(stage: Stage, node: str) -> str:
    return str(stage.objects("get", "node", node)["status"]["nodeInfo"]["bootID"])


def test_finalize_and_back_and_again(stage: Stage) -> None:
    stage.up(phase="finalize")
    config = stage.objects("-n", "kube-system", "get", "configmap", "cilium-config")["data"]
    assert (config["custom-cni-conf"], config["enable-policy"]) == ("false", "default")
    assert stage.objects("get", "ciliumnodeconfigs", "-A")["items"] == []
    stage.up(phase="migrate")
    config = stage.objects("-n", "kube-system", "get", "configmap", "cilium-config")["data"]
    assert (config["custom-cni-conf"], config["enable-policy"]) == ("true", "never")
    assert len(stage.objects("get", "ciliumnodeconfigs", "-A")["items"]) == 1
    stage.up(phase="finalize")


def test_cleanup_needs_consent(stage: Stage) -> None:
    stage.session.set(phase="cleanup")
    run = stage.session.preview(check=False)
    assert run.exit_code != 0
    assert "[cleanup-consent]" in run.output
    assert stage.lab.kubectl("-n", "kube-flannel", "get", "daemonset", "kube-flannel-ds").returncode == 0


def test_cleanup_leaves_no_trace_of_flannel(stage: Stage) -> None:
    stage.up(cleanup__consent="flannel")
    assertions.no_source_left(stage.lab, stage.nodes)
    run = stage.session.preview()
    assert "to create" not in run.output
    assert "to update" not in run.output


def test_destroy_does_not_harm_a_finished_cluster(stage: Stage) -> None:
    run = stage.session.pulumi("destroy", "--yes", "--skip-preview", "--non-interactive", check=False)
    assert run.exit_code != 0
    assert "protect" in run.output
    assert "to create" not in stage.session.preview().output
    agents = stage.objects("-n", "kube-system", "get", "daemonset", "cilium")["status"]
    assert agents["numberReady"] == len(stage.nodes)
    assertions.no_source_left(stage.lab, stage.nodes)


def test_no_request_was_lost_in_all_of_that(stage: Stage) -> None:
    """Kills, a way back, a wave of two reboots, finalize twice: and every loss has a planned cause."""
    report = stage.report()
    totals = report.totals()
    through_services = [totals.of("service-http"), totals.of("dns"), totals.of("echo-service")]
    assert all(kind.sent > 1000 for kind in through_services)
    assert [kind.lost for kind in through_services] == [0, 0, 0], report.explain()
    assert totals.lost == 0, report.explain()


def test_policies_are_enforced_at_the_end(stage: Stage) -> None:
    since = datetime.now(UTC)
    policy = (
        '{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"nobody",'
        '"namespace":"lab-workloads"},"spec":{"podSelector":{"matchLabels":{"app":"agent"}},"policyTypes":["Ingress"]}}'
    )
    stage.lab.kubectl("apply", "-f", "-", stdin=policy)
    try:
        end = time.monotonic() + 60
        while not stage.report(since).totals().lost:
            assert time.monotonic() < end, "traffic that a policy forbids went through"
    finally:
        stage.lab.kubectl("-n", "lab-workloads", "delete", "networkpolicy", "nobody")


def test_the_history_tells_each_step(stage: Stage) -> None:
    history = stack_history(stage.session.environment, stack=stage.session.stack, folder=stage.session.program)
    results = [update["result"] for update in history if update["kind"] == "update"]
    assert results.count("succeeded") >= 8

"""Memory across runs: a lost state, an operator's own cordon, drift that a refresh finds."""

import json
import shutil

import pytest

from components.names import NAMESPACE
from components.operations.probes.probe_programs import version_there
from components.operations.turn_annotations import node_path
from components.probe import NAME, PROGRAMS, sources, version_of
from scripts.lab.session import Session
from scripts.lab.simulated.faults import Faults, PodFaults
from stacks.values import MIGRATED_LABEL
from tests.faults import document
from tests.faults.site import NEW, OLD, Site, eventually
from tests.remedies import commands, do_as_told, type_in
from tests.runs import unlock

pytestmark = [pytest.mark.engine, pytest.mark.apiserver, pytest.mark.timeout(600)]
CILIUM = "kube-system"  # its namespace


def pods_of(site: Site, *nodes: str) -> dict[str, str]:
    """Every pod of these nodes, and whether its containers were ever started again."""
    return {
        pod["metadata"]["uid"]: str([each["restartCount"] for each in pod["status"].get("containerStatuses") or []])
        for node in nodes
        for pod in site.cluster.list("/api/v1/pods", fieldSelector=f"spec.nodeName={node}")
    }


@pytest.mark.executes("pulumi import kubernetes:helm.sh/v3:Release {} {} --generate-code=false --protect=false")
def test_a_lost_state_is_made_anew_and_no_node_that_is_done_is_touched(site: Site) -> None:
    done, half, work = site.take_node(), site.take_node(), None
    site.configure(waves=[[done]])
    site.stack.up()
    site.done.append(done)
    work = site.workload("state-lost", half)
    site.configure(waves=[[half]])
    with site.plane.faults.during(Faults(pods={f"{work.namespace}/": PodFaults(terminate_seconds=3)})):
        run = site.up().go()
        run.wait_for(rf"{half} .*pods to evict")
        run.kill_engine()
    shutil.rmtree(site.stack.folder / "pulumi-state")
    before, boots = pods_of(site, *site.done), {name: site.cluster.get(node_path(name)) for name in site.done}

    config = site.stack.config.read_text()
    adopted = Session.start(
        kubeconfig=site.plane.kubeconfig,
        stack=site.stack.stack,
        template="Pulumi.simulated.yaml",
        folder=site.stack.folder,
        echo=False,
    )
    adopted.config.write_text(config)
    assert "outlived an engine that was killed, and may still be at work" in adopted.preview(check=False).output
    refused = adopted.up(check=False)
    assert "is told to cancel what it does, and to end" in refused.output
    assert do_as_told(refused, checks=["release-known"], stack=adopted, plane=site.plane), refused.output
    run_again = adopted.up(check=False)
    assert run_again.exit_code == 0, run_again.output
    assert f"{done} [0/6] : is migrated already, nothing to drain" in run_again.output
    # What is evicted from the other node may come here; what was here stays, and its containers run on.
    assert before.items() <= pods_of(site, *site.done).items()
    assert {name: site.cluster.get(node_path(name))["spec"] for name in site.done} == {
        name: node["spec"] for name, node in boots.items()
    }
    site.stack = adopted
    site.done.append(half)
    site.assert_whole(done, half)
    work.assert_complete()
    assert "to create" not in adopted.preview().output
    # What was adopted is ours to change: it has a field manager of the lost state beside the new one.
    site.configure(waves=[], sections={"probe": {"image": "python:3.12-slim"}})
    adopted.up()
    (probes,) = site.cluster.list(f"/apis/apps/v1/namespaces/{NAMESPACE}/daemonsets")
    assert probes["spec"]["template"]["spec"]["containers"][0]["image"] == "python:3.12-slim"
    document.add(
        id="state-lost",
        title="The stack's state is lost in the middle of a turn",
        told=f"{done} [0/6] : is migrated already, nothing to drain",
        then="`pulumi up` names the `pulumi import` of Cilium's release, and makes all else anew from the cluster: "
        "nodes that are done are not touched, the turn goes on",
    )


def _pending(site: Site) -> list[str]:
    wanted = {"labelSelector": "owner=helm,status=pending-upgrade"}
    found = site.cluster.list(f"/api/v1/namespaces/{CILIUM}/secrets", **wanted)
    return [each["metadata"]["name"] for each in found]


def test_a_run_killed_inside_helm_is_told_before_and_after_a_refresh(site: Site) -> None:
    """The refresh takes the values of the revision that was cut off for live ones: nothing would be upgraded."""
    site.configure(sections={"cilium": {"values": {"operator": {"replicas": 1}, "debug": {"enabled": True}}}})
    run = site.up().go()
    eventually(lambda: _pending(site), every=0.02)
    run.freeze("helm upgrade")
    run.kill_engine()
    (cut_off,) = _pending(site)
    unlock(site.stack)
    site.stack.pulumi("refresh", "--yes", "--skip-preview", "--non-interactive")
    refused = site.stack.preview(check=False)
    assert f"Secret {CILIUM}/{cut_off} says 'pending-upgrade'" in refused.output
    delete, _, refresh = commands(refused.output, check="helm-operation")
    for command in (delete, refresh):
        type_in(command, stack=site.stack, plane=site.plane)
    assert "1 to update" in site.stack.preview().output
    site.stack.up()
    assert site.cluster.get(f"/api/v1/namespaces/{CILIUM}/configmaps/cilium-config")["data"]["debug"] == "true"
    site.configure()
    site.stack.up()


def test_what_the_operator_cordoned_stays_cordoned_whenever_that_was(site: Site) -> None:
    node = site.take_node()
    site.plane.kubectl("cordon", node)
    site.configure(waves=[[node]])
    site.stack.up()
    site.assert_whole(node, cordoned=True)
    site.plane.kubectl("uncordon", node)
    site.configure()
    site.stack.up()
    site.assert_whole(node, network=OLD, cordoned=False)
    site.configure(waves=[[node]])
    site.stack.up()
    site.plane.kubectl("cordon", node)
    site.configure()
    site.stack.up()
    site.assert_whole(node, network=OLD, cordoned=True)


@pytest.mark.executes("pulumi up --refresh")
def test_a_refresh_finds_what_was_undone_by_hand_and_the_next_run_mends_it(site: Site) -> None:
    node, gone = site.take_node(), site.take_node()
    site.configure(waves=[[node], [gone]])
    site.stack.up()
    site.plane.kubectl("label", "node", node, f"{MIGRATED_LABEL}-")
    site.plane.kubectl("delete", "node", gone)
    edited = {"spec": {"template": {"metadata": {"annotations": {"cni-live-migration/probe-version": "edited"}}}}}
    site.plane.kubectl("-n", NAMESPACE, "patch", "daemonset", NAME, "--type=merge", "-p", json.dumps(edited))
    site.plane.kubectl("-n", NAMESPACE, "delete", "configmap", PROGRAMS)
    refreshed = site.stack.pulumi("refresh", "--yes", "--skip-preview", "--non-interactive").output
    assert f"NodeTurn {node}" in refreshed
    site.configure(waves=[[node]])
    previewed = site.stack.preview().output
    assert f"NodeTurn {node}" in previewed
    site.stack.up()
    site.done.append(node)
    site.assert_whole(node, network=NEW)
    assert MIGRATED_LABEL in site.cluster.get(node_path(node))["metadata"]["labels"]
    assert version_there(site.cluster) == version_of(sources())
    mended = site.cluster.get(f"/apis/apps/v1/namespaces/{NAMESPACE}/daemonsets/{NAME}")["spec"]["template"]
    assert mended["metadata"]["annotations"]["cni-live-migration/probe-version"] == version_of(sources())

    site.plane.kubectl("label", "node", node, f"{MIGRATED_LABEL}-")
    (command,) = commands(site.stack.preview().output, check="marks-kept")
    type_in(command, stack=site.stack, plane=site.plane)
    site.assert_whole(node, network=NEW)
    assert MIGRATED_LABEL in site.cluster.get(node_path(node))["metadata"]["labels"]


@pytest.mark.executes("pulumi up --parallel {}")
def test_one_node_of_a_wave_that_fails_does_not_hold_up_the_others(site: Site) -> None:
    ill, well = site.take_node(), [site.take_node(), site.take_node()]
    work = site.workload("wave", ill)
    site.configure(waves=[[well[0], ill, well[1]]], sections={"drain": {"timeoutSeconds": 5}})
    with site.plane.faults.during(Faults(pods={f"{work.namespace}/": PodFaults(stuck_terminating=True)})):
        failed = site.stack.up(check=False, parallel=2)
    assert failed.exit_code != 0
    assert f"node {ill} stays cordoned" in failed.output
    (wider,) = commands(failed.output, check="wave-width")
    site.configure(waves=[[well[0], ill, well[1]]])
    type_in(wider, stack=site.stack, plane=site.plane)
    site.done += [*well, ill]
    site.assert_whole(ill, *well)
    work.assert_complete()

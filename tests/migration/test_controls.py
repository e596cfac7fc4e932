"""The controls: what our program refuses does harm when the refusal is acknowledged, and the lab shows it.

Without them a lab that can lose nothing would prove nothing. CI shows one kind of harm by a refusal that was
acknowledged, another for each commit; `make test-all` shows all of them.
"""

from datetime import UTC, datetime

import pytest

from scripts.lab.session import diagnostics
from tests.migration.lab_with_traffic import Stage
from tests.sampling import sample

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]
_REASON = "the harm is to be seen"
_SHOWN = sample(("port", "pool", "enforcement"), 1, of="controls")


def _sampled(control: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(control not in _SHOWN, reason="another is shown for this commit; `make test-all`: all")


@pytest.fixture
def stage() -> Stage:
    return Stage.fresh()


def test_a_reboot_without_a_drain_loses_requests(stage: Stage) -> None:
    since = datetime.now(UTC)
    web = stage.objects("-n", "lab-workloads", "get", "pods", "-l", "app=web")["items"]
    node = max((pod["spec"]["nodeName"] for pod in web), key=[pod["spec"]["nodeName"] for pod in web].count)
    stage.lab.reboot(node)
    stage.wait_for_loss(since)
    stage.lab.down()


@_sampled("port")
def test_flannels_own_port_is_refused_and_else_reported_though_the_agents_are_ready(stage: Stage) -> None:
    stage.up(phase="preflight")
    stage.session.set(cilium__tunnelPort="8472", phase="secondary")
    refused = stage.session.preview(check=False)
    assert "[tunnel-port-free]" in refused.output
    stage.session.set_path("acknowledge.tunnel-port-free", _REASON)
    assert f"acknowledged: {_REASON}" in stage.session.preview().output
    run = stage.session.up(check=False)
    assert run.exit_code != 0
    assert "cilium_vxlan" in diagnostics(run.output)
    assert "overlay carries nothing though its agent is Ready" in diagnostics(run.output)
    status = stage.objects("-n", "kube-system", "get", "daemonset", "cilium")["status"]
    assert status["numberReady"] == len(stage.nodes), "readiness is no evidence: that is the point"
    stage.lab.down()


@_sampled("pool")
def test_an_overlapping_pool_is_refused_and_else_breaks_the_cluster(stage: Stage) -> None:
    stage.up(phase="preflight")
    stage.session.set(cilium__podCidr="10.244.0.0/16", phase="secondary")
    assert "[pod-cidr-free]" in stage.session.preview(check=False).output
    stage.session.set_path("acknowledge.pod-cidr-free", _REASON)
    since = datetime.now(UTC)
    stage.session.up(check=False)
    stage.wait_for_loss(since)
    stage.lab.down()


@_sampled("enforcement")
def test_policy_enforcement_left_on_is_refused_and_else_drops_traffic_between_the_networks(stage: Stage) -> None:
    stage.up(phase="preflight")
    stage.session.set(phase="secondary", cilium__values__policyEnforcementMode="default")
    assert "[method-values]" in stage.session.preview(check=False).output
    stage.session.set_path("acknowledge.method-values", _REASON)
    policy = (
        '{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"clients-only",'
        '"namespace":"lab-workloads"},"spec":{"podSelector":{"matchLabels":{"app":"web"}},"policyTypes":["Ingress"],'
        '"ingress":[{"from":[{"podSelector":{"matchExpressions":[{"key":"app","operator":"In","values":'
        '["short-client","long-client"]}]}}]}]}}'
    )
    stage.lab.kubectl("apply", "-f", "-", stdin=policy)
    stage.session.up()
    stage.set_waves(["worker-3"])
    since = datetime.now(UTC)
    # With the web pods unready behind their own policy the turn may or may not end; what counts is the traffic.
    stage.session.up(check=False)
    stage.lab.kubectl("-n", "lab-workloads", "rollout", "restart", "deployment/web")
    stage.wait_for_loss(since)
    stage.lab.down()

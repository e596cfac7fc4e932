"""From Calico (VXLAN) to Cilium on the real lab, the trap of its address detection included; one story in order."""

import ipaddress
import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from scripts.lab import assertions
from tests.migration import common_steps as journey
from tests.migration import local_dns
from tests.migration.lab_with_traffic import Stage

pytestmark = [pytest.mark.lab, pytest.mark.sources, pytest.mark.timeout(900)]
_AGENTS = "daemonset/calico-node"
_METHOD = "IP_AUTODETECTION_METHOD"
# Nodes have addresses of it, pods of Calico's have none, and Cilium's pool is in it.
_WIDE = "cidr=10.0.0.0/8"
_MATCHING = ("first-found", _WIDE, "skip-interface=vxlan.*", "interface=eth.*,cilium_h.*")
_LAN, _PODS = ipaddress.IPv4Network("10.30.0.0/24"), ipaddress.IPv4Network("192.168.0.0/16")


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    stage = Stage.fresh(nodes=2, source="calico", lan=_LAN, pods=_PODS)
    _set_method(stage, _WIDE)
    yield stage
    stage.lab.down()


def _set_method(stage: Stage, value: str) -> None:
    """As somebody would by hand; returns when every agent has started anew with it."""
    stage.lab.kubectl("-n", "kube-system", "set", "env", _AGENTS, "--containers=calico-node", f"{_METHOD}={value}")
    stage.lab.kubectl("-n", "kube-system", "rollout", "status", _AGENTS, "--timeout=120s")


def _addresses(stage: Stage) -> dict[str, str]:
    """The address by which Calico has the other nodes reach each node."""
    return {
        node["metadata"]["name"]: node["metadata"]["annotations"]["projectcalico.org/IPv4Address"].partition("/")[0]
        for node in stage.objects("get", "nodes")["items"]
    }


def assert_names_resolve(stage: Stage) -> None:
    """Each node's resolver asks, and never in vain since its first answer."""
    journey.until(lambda: all(count for count, _ in local_dns.asked_and_failed(stage).values()), what="first answers")
    asked = local_dns.asked_and_failed(stage)
    assert sorted(asked) == stage.nodes
    assert all(failed == 0 for _, failed in asked.values()), asked


def _own(stage: Stage) -> dict[str, str]:
    return {node.name: str(node.address) for node in stage.lab.layout().nodes}


def test_calico_is_known_with_its_pool_and_tunnel(stage: Stage) -> None:
    journey.begin(stage)
    record = stage.objects("-n", "cni-live-migration", "get", "configmap", "record")["data"]
    found = json.loads(record["source"])
    assert found["autodetection"] == _WIDE
    assert (found["kind"], found["interface"], found["udp_port"]) == ("calico", "vxlan.calico", 4789)
    assert found["pod_networks"] == [str(_PODS)]
    journey.assert_policies_are_enforced(stage)
    local_dns.up(stage)
    journey.until(lambda: not local_dns.others_reached(stage), what="the resolvers' policy to be enforced")
    assert_names_resolve(stage)


def test_with_the_preparation_calico_keeps_each_nodes_own_address(stage: Stage) -> None:
    stage.up(phase="secondary")
    for node in stage.nodes:
        assertions.node_is_on_source(stage.lab, node)
    # Agents that start now see cilium_host.
    stage.lab.kubectl("-n", "kube-system", "rollout", "restart", _AGENTS)
    stage.lab.kubectl("-n", "kube-system", "rollout", "status", _AGENTS, "--timeout=120s")
    assert _addresses(stage) == _own(stage)
    journey.assert_no_loss(stage)


def test_without_it_calico_takes_cilium_host_for_the_node_and_pods_lose_each_other(stage: Stage) -> None:
    since = datetime.now(UTC)
    for method in _MATCHING:
        _set_method(stage, method)
        taken = _addresses(stage)
        for node in stage.nodes:
            interface = json.loads(stage.lab.exec(node, ["ip", "-json", "-4", "address", "show", "cilium_host"]).stdout)
            assert taken[node] == interface[0]["addr_info"][0]["local"], method
            assert ipaddress.ip_address(taken[node]) in assertions.NEW_NETWORK
    stage.wait_for_loss(since)
    _set_method(stage, "kubernetes-internal-ip")
    assert _addresses(stage) == _own(stage)
    journey.wait_until_nothing_is_lost(stage)


def test_its_nodes_move_and_its_last_trace_goes(stage: Stage) -> None:
    stage.began = datetime.now(UTC)
    stage.session.set(policies__acceptUnenforcedPolicies="true", policies__acceptTranslated="true")
    journey.move_every_node(stage)
    before = local_dns.asked_and_failed(stage)
    journey.finish(stage, consent="calico")
    after = local_dns.asked_and_failed(stage)
    assert all(after[node][0] > before[node][0] + 50 for node in stage.nodes), "they asked all the time"
    assert all(after[node][1] == before[node][1] for node in stage.nodes), (before, after)
    assert local_dns.others_reached(stage) == [], "and their policy holds"


def test_no_request_was_lost(stage: Stage) -> None:
    journey.assert_no_loss(stage)


def test_cilium_enforces_the_policies_now(stage: Stage) -> None:
    journey.assert_policies_are_enforced(stage)

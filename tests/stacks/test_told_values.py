"""Which values are ours and which the user's, and that each that we set says why."""

from typing import Any

import pytest

from stacks.config import parse_config
from stacks.settle import Cilium, ClusterNetwork, OldNetwork, settle
from stacks.values import contradictions, final_method, migration_method, migration_values, told_values, value_at
from tests.builders import make_cilium

DUAL = OldNetwork(title="Calico", pod_networks=("10.244.0.0/16", "fd00:10:244::/56"), links=("vxlan.calico",))


def dual(**settings: Any) -> Cilium:
    uplinks = {"worker-1": {"eth0": 9000}, "worker-2": {"eth0": 1500}}
    cluster = ClusterNetwork(old=DUAL, nodes=2, uplinks=uplinks, host_ports=("shop/edge",))
    return settle(parse_config({"cilium": settings}).cilium, cluster)


def test_every_value_that_we_set_has_a_reason() -> None:
    for each in (*migration_method(dual()), *final_method(dual())):
        assert each.reason, each.path


def test_the_users_values_are_told_from_ours() -> None:
    told = {each.path: each for each in told_values(
        make_cilium(values={"MTU": 1400, "hubble": {"enabled": False}}, finalValues={"hubble": {"enabled": True}})
    )}  # fmt: skip
    assert told["MTU"].migration_reason == "set in cilium.values"
    assert told["hubble.enabled"].final_reason == "set in cilium.finalValues"
    assert told["hubble.enabled"].changes
    assert "cilium#6839" in told["operator.unmanagedPodWatcher.restart"].migration_reason
    assert {path for path, each in told.items() if each.changes} == {
        "hubble.enabled", "operator.unmanagedPodWatcher.restart", "operator.setNodeTaints", "cni.customConf",
        "policyEnforcementMode",
    }  # fmt: skip


def test_what_was_settled_is_in_the_values() -> None:
    values = migration_values(dual())
    wanted = {
        "ipv6.enabled": True,
        "ipam.operator.clusterPoolIPv6PodCIDRList": ["fd00:10:245::/104"],
        "ipam.operator.clusterPoolIPv6MaskSize": 120,
        "cni.chainingMode": "portmap",
        "MTU": 1500,
        "devices": ["!vxlan.calico", "!cali+", "!veth+"],
        "forceDeviceDetection": True,
    }
    assert {path: value_at(values, path) for path in wanted} == wanted


def test_devices_that_the_user_names_are_the_whole_list() -> None:
    assert value_at(migration_values(make_cilium()), "forceDeviceDetection") is True
    assert value_at(migration_values(make_cilium(values={"devices": "eth0"})), "forceDeviceDetection") is None


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"ipv6": {"enabled": False}}, "ipv6.enabled"),
        ({"ipam": {"operator": {"clusterPoolIPv6PodCIDRList": ["fd00::/104"]}}},
         "ipam.operator.clusterPoolIPv6PodCIDRList"),
        ({"MTU": 9000}, "MTU"),
    ],
)  # fmt: skip
def test_overrides_that_would_lose_packets_or_a_family_are_refused(values: dict[str, Any], path: str) -> None:
    (fault,) = contradictions(dual(values=values))
    assert fault.path == path
    assert fault.reason


@pytest.mark.parametrize(
    "values", [{"MTU": 1400}, {"devices": "eth0"}, {"cni": {"chainingMode": "none"}}, {"kubeProxyReplacement": True}]
)
def test_what_the_user_may_override_he_may(values: dict[str, Any]) -> None:
    assert contradictions(dual(values=values)) == []


def test_another_pool_than_that_of_an_installed_cilium_is_refused() -> None:
    live = {"cluster-pool-ipv4-cidr": "10.245.0.0/16"}
    cluster = ClusterNetwork(old=DUAL, nodes=2, live=live)
    (fault,) = contradictions(settle(parse_config({"cilium": {"podCidr": "10.9.0.0/16"}}).cilium, cluster))
    assert (fault.place, fault.path, fault.found) == ("the config", "cilium.podCidr", "'10.9.0.0/16'")
    assert contradictions(settle(parse_config({}).cilium, cluster)) == []

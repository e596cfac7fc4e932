from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stacks.values import (
    contradictions,
    final_values,
    live_settings,
    merge,
    migration_values,
    node_config,
    opens_host_ports,
    settings_faults,
    value_at,
)
from tests.builders import make_cilium


def test_migration_values_are_those_of_the_method() -> None:
    values = migration_values(make_cilium())
    wanted = {
        "operator.unmanagedPodWatcher.restart": False,
        "routingMode": "tunnel",
        "tunnelProtocol": "vxlan",
        "tunnelPort": 8473,
        "cni.customConf": True,
        "cni.uninstall": False,
        "ipam.mode": "cluster-pool",
        "ipam.operator.clusterPoolIPv4PodCIDRList": ["10.245.0.0/16"],
        "policyEnforcementMode": "never",
        "bpf.hostLegacyRouting": True,
        "kubeProxyReplacement": "false",
    }
    assert {path: value_at(values, path) for path in wanted} == wanted


def test_final_values_enforce_policies_and_manage_the_conf() -> None:
    values = final_values(make_cilium())
    assert value_at(values, "policyEnforcementMode") == "default"
    assert value_at(values, "cni.customConf") is False
    assert value_at(values, "operator.unmanagedPodWatcher.restart") is True


def test_the_users_values_are_laid_over_without_losing_the_methods() -> None:
    cilium = make_cilium(values={"operator": {"replicas": 1}, "devices": "eth0"}, finalValues={"bpf": {"tproxy": True}})
    assert value_at(migration_values(cilium), "operator") == {
        "unmanagedPodWatcher": {"restart": False}, "setNodeTaints": False, "rollOutPods": True, "replicas": 1,
    }  # fmt: skip
    assert value_at(migration_values(cilium), "bpf.tproxy") is None
    assert value_at(final_values(cilium), "bpf") == {"hostLegacyRouting": True, "tproxy": True}
    assert contradictions(cilium) == []


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"policyEnforcementMode": "default"}, "policyEnforcementMode"),
        ({"cni": {"customConf": False}}, "cni.customConf"),
        ({"tunnelPort": 8472}, "tunnelPort"),
        (
            {"ipam": {"operator": {"clusterPoolIPv4PodCIDRList": ["10.0.0.0/8"]}}},
            "ipam.operator.clusterPoolIPv4PodCIDRList",
        ),
        ({"operator": {"unmanagedPodWatcher": {"restart": True}}}, "operator.unmanagedPodWatcher.restart"),
        ({"operator": {"setNodeTaints": True}}, "operator.setNodeTaints"),
        ({"routingMode": "native"}, "routingMode"),
        ({"devices": ["eth0", "flannel.1"]}, "devices"),
        ({"devices": "flannel.1"}, "devices"),
        ({"cni": {"chainingMode": "aws-cni"}}, "cni.chainingMode"),
    ],
)
def test_an_override_that_contradicts_the_method_is_found(values: dict[str, Any], path: str) -> None:
    (fault,) = contradictions(make_cilium(values=values))
    assert fault.path == path
    assert fault.reason


def test_live_settings_are_compared_as_texts() -> None:
    wanted = live_settings(migration_values(make_cilium()))
    assert settings_faults(wanted, wanted) == []
    live = {
        **wanted, "enable-policy": "default", "unmanaged-pod-watcher-interval": "15s", "set-cilium-node-taints": "true",
    }  # fmt: skip
    assert settings_faults(live, wanted) == [
        "enable-policy is 'default', must be 'never'",
        "unmanaged-pod-watcher-interval is '15s', must be '0'",
        "set-cilium-node-taints is 'true', must not be set",
    ]
    assert len(settings_faults({}, wanted)) == len([text for text in wanted.values() if text])


def test_node_config_takes_over_only_labelled_nodes() -> None:
    assert node_config({})["nodeSelector"] == {"matchLabels": {"io.cilium.migration/cilium-default": "true"}}


@pytest.mark.parametrize(
    ("values", "mode", "opens"),
    [
        ({}, "none", False),
        ({"cni": {"chainingMode": "portmap"}}, "portmap", True),
        ({"kubeProxyReplacement": True}, "none", True),
        ({"kubeProxyReplacement": "false"}, "none", False),
    ],
)
def test_host_ports_are_opened_as_the_values_say(values: dict[str, Any], mode: str, opens: bool) -> None:
    assert node_config(values)["defaults"]["cni-chaining-mode"] == mode
    assert opens_host_ports(values) is opens


trees = st.recursive(
    st.integers() | st.booleans() | st.text(max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
mappings = st.dictionaries(st.sampled_from("abc"), trees, max_size=3)


@given(mappings, mappings)
def test_merge_keeps_every_value_of_the_upper_and_changes_neither(lower: dict[str, Any], upper: dict[str, Any]) -> None:
    before = (repr(lower), repr(upper))
    merged = merge(lower, upper)
    assert (repr(lower), repr(upper)) == before
    assert merge(merged, upper) == merged
    assert set(merged) == set(lower) | set(upper)


@given(mappings)
def test_merge_with_nothing_is_the_same(tree: dict[str, Any]) -> None:
    assert merge(tree, {}) == tree
    assert merge({}, tree) == tree

"""Values that break the method are found wherever they are set and however they are written; others pass."""

from typing import Any

import pytest

from stacks.settle import Cilium
from stacks.values import contradictions, migration_values, value_at
from tests.builders import make_cilium
from tests.stacks.test_told_values import dual


def found(cilium: Cilium) -> list[str]:
    return [each.path for each in contradictions(cilium)]


def extra(**keys: str) -> dict[str, Any]:
    return {"extraConfig": {name.replace("_", "-"): text for name, text in keys.items()}}


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"agent": False}, "agent"),
        ({"operator": {"enabled": "false"}}, "operator.enabled"),
        ({"operator": {"replicas": 0}}, "operator.replicas"),
        ({"preflight": {"enabled": True}}, "preflight.enabled"),
        ({"nodeSelector": {"pool": "blue"}}, "nodeSelector"),
        ({"tolerations": [{"key": "dedicated", "operator": "Exists"}]}, "tolerations"),
        ({"updateStrategy": {"type": "OnDelete"}}, "updateStrategy.type"),
        ({"namespaceOverride": "cilium"}, "namespaceOverride"),
        ({"daemon": {"configSources": "config-map:cilium-config"}}, "daemon.configSources"),
        ({"daemon": {"blockedConfigOverrides": "mtu, custom-cni-conf"}}, "daemon.blockedConfigOverrides"),
        ({"daemon": {"allowedConfigOverrides": "none"}}, "daemon.allowedConfigOverrides"),
        ({"ipv4": {"enabled": False}}, "ipv4.enabled"),
        ({"ipv6": {"enabled": "True"}}, "ipv6.enabled"),
        ({"enableIPv4Masquerade": False}, "enableIPv4Masquerade"),
        ({"bpf": {"masquerade": True}}, "bpf.masquerade"),
        ({"egressMasqueradeInterfaces": "eth0"}, "egressMasqueradeInterfaces"),
        ({"ipMasqAgent": {"enabled": True}}, "ipMasqAgent.enabled"),
        ({"ipv4NativeRoutingCIDR": "10.0.0.0/8"}, "ipv4NativeRoutingCIDR"),
        ({"autoDirectNodeRoutes": "true"}, "autoDirectNodeRoutes"),
        ({"underlayProtocol": "ipv6"}, "underlayProtocol"),
        ({"bpf": {"datapathMode": "netkit-l2"}}, "bpf.datapathMode"),
        ({"cni": {"install": False}}, "cni.install"),
        ({"cni": {"exclusive": False}}, "cni.exclusive"),
        ({"cni": {"configMap": "own-conf"}}, "cni.configMap"),
        ({"cni": {"chainingTarget": "k8s-pod-network"}}, "cni.chainingTarget"),
        ({"cni": {"hostConfDirMountPath": "/host/cni"}}, "cni.hostConfDirMountPath"),
        ({"cleanState": True}, "cleanState"),
        ({"cleanBpfState": True}, "cleanBpfState"),
        ({"eni": {"enabled": True}}, "eni.enabled"),
        ({"gke": {"enabled": True}}, "gke.enabled"),
        ({"nodeinit": {"enabled": True}}, "nodeinit.enabled"),
        ({"encryption": {"strictMode": {"cidr": "10.0.0.0/8"}}}, "encryption.strictMode.cidr"),
        ({"encryption": {"strictMode": {"ingress": {"enabled": True}}}}, "encryption.strictMode.ingress.enabled"),
        ({"encryption": {"nodeEncryption": True}}, "encryption.nodeEncryption"),
        ({"tunnel": "geneve"}, "tunnel"),
        ({"k8sNetworkPolicy": {"enabled": False}}, "k8sNetworkPolicy.enabled"),
        ({"MTU": -1}, "MTU"),
        ({"devices": "eth+ flannel+"}, "devices"),
    ],
)
def test_what_breaks_the_method_is_refused(values: dict[str, Any], path: str) -> None:
    assert found(make_cilium(values=values)) == [path]


@pytest.mark.parametrize(
    "values",
    [
        {"tunnelPort": "8473"},
        {"ipam": {"operator": {"clusterPoolIPv4MaskSize": "24", "clusterPoolIPv4PodCIDRList": "10.245.0.0/16"}}},
        {"cni": {"uninstall": "False", "install": True, "logFile": "/var/log/cni.log"}},
        {"agent": "true", "operator": {"replicas": "1", "enabled": "True"}},
        {"kubeProxyReplacement": "True"},
        {"nodeSelector": {"kubernetes.io/os": "linux"}},
        {"tolerations": [{"key": "a", "operator": "Exists"}, {"operator": "Exists"}]},
        {"daemon": {"allowedConfigOverrides": "write-cni-conf-when-ready,custom-cni-conf,cni-exclusive,"
         "cni-chaining-mode,debug", "blockedConfigOverrides": "cni-exclusive"}},
        {"daemon": {"configSources": "config-map:cilium-config, cilium-node-config,config-map:more"}},
        {"ipv4NativeRoutingCIDR": "10.245.0.0/16"},
        {"encryption": {"enabled": True, "strictMode": {"enabled": True, "cidr": "10.245.0.0/17"}}},
        {"devices": ["eth+", "!flannel+"]},
        {"devices": ["!flannel.1", "flannel+", "eth0"]},
        {"socketLB": {"enabled": True}, "hostFirewall": {"enabled": True}, "policyCIDRMatchMode": ["nodes"]},
        {"upgradeCompatibility": "1.16", "nodePort": {"enabled": True}, "endpointRoutes": {"enabled": True}},
        {"agent": None, "cni": {"install": None}},
        extra(mtu="1400", enable_policy="never", tunnel_port="8473", debug="true"),
    ],
)  # fmt: skip
def test_what_the_method_does_not_rest_on_passes(values: dict[str, Any]) -> None:
    assert contradictions(make_cilium(values=values)) == []


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({"kubeProxyReplacement": "strict"}, "true or false"),
        ({"cni": {"customConf": "yes"}}, "True"),
        ({"agent": 1}, "true"),
        ({"tunnelPort": "8473/udp"}, "8473"),
        ({"MTU": "jumbo"}, "a number"),
        ({"MTU": True}, "a number"),
        ({"nodeSelector": "kubernetes.io/os=linux"}, "a mapping"),
        ({"devices": {"eth0": True}}, "a list"),
        ({"extraConfig": {"enable-ipv4": True}}, "a text"),
    ],
)
def test_a_value_of_another_type_is_not_guessed(values: dict[str, Any], wanted: str) -> None:
    (fault,) = contradictions(make_cilium(values=values))
    assert wanted in fault.wanted


def test_a_number_given_as_text_is_judged_and_installed_as_the_number() -> None:
    (fault,) = contradictions(dual(values={"MTU": "9000"}))
    assert (fault.path, fault.found) == ("MTU", "9000")
    assert contradictions(dual(values={"MTU": "1400"})) == []
    values = migration_values(make_cilium(values={"MTU": "1400", "tunnelPort": "8473", "cni": {"install": "TRUE"}}))
    assert [value_at(values, path) for path in ("MTU", "tunnelPort", "cni.install")] == [1400, 8473, True]


@pytest.mark.parametrize(
    ("values", "path"),
    [
        (extra(enable_policy="always"), "extraConfig.enable-policy"),
        (extra(write_cni_conf_when_ready="/host/etc/cni/net.d/05-cilium.conflist"),
         "extraConfig.write-cni-conf-when-ready"),
        (extra(unmanaged_pod_watcher_interval="15s"), "extraConfig.unmanaged-pod-watcher-interval"),
        (extra(set_cilium_node_taints="true"), "extraConfig.set-cilium-node-taints"),
        (extra(datapath_mode="netkit"), "extraConfig.datapath-mode"),
        (extra(cluster_pool_ipv4_cidr="10.0.0.0/8"), "extraConfig.cluster-pool-ipv4-cidr"),
        (extra(encryption_strict_mode_cidr="10.0.0.0/8"), "extraConfig.encryption-strict-mode-cidr"),
        (extra(enable_local_node_route="false"), "extraConfig.enable-local-node-route"),
        (extra(tunnel_port="8472"), "extraConfig.tunnel-port"),
        ({"extraArgs": ["--enable-policy=always"]}, "extraArgs --enable-policy"),
        ({"extraArgs": ["--debug", "--routing-mode", "native"]}, "extraArgs --routing-mode"),
        ({"extraArgs": ["--cni-uninstall"]}, "extraArgs --cni-uninstall"),
        ({"extraEnv": [{"name": "CILIUM_ENABLE_IPV4", "value": "false"}]}, "extraEnv CILIUM_ENABLE_IPV4"),
        ({"operator": {"extraArgs": ["--set-cilium-node-taints=true"]}}, "operator.extraArgs --set-cilium-node-taints"),
        ({"operator": {"extraEnv": [{"name": "CILIUM_UNMANAGED_POD_WATCHER_INTERVAL", "value": "9"}]}},
         "operator.extraEnv CILIUM_UNMANAGED_POD_WATCHER_INTERVAL"),
        ({"extraEnv": [{"name": "CILIUM_MTU", "valueFrom": {"configMapKeyRef": {"name": "a", "key": "b"}}}]},
         "extraEnv CILIUM_MTU"),
    ],
)  # fmt: skip
def test_an_option_is_the_same_wherever_it_is_set(values: dict[str, Any], path: str) -> None:
    assert found(make_cilium(values=values)) == [path]


def test_what_holds_only_while_both_networks_run_is_free_afterwards() -> None:
    later = {
        "bpf": {"masquerade": True},
        "cni": {"exclusive": False},
        "enableIPv4Masquerade": False,
        "encryption": {"nodeEncryption": True},
    }
    assert contradictions(make_cilium(finalValues=later)) == []
    (fault,) = contradictions(make_cilium(finalValues={"agent": False}))
    assert (fault.path, fault.place, fault.later) == ("agent", "cilium.finalValues", False)
    assert all(each.later for each in contradictions(make_cilium(values=later)))


def test_a_cluster_of_both_families_keeps_both() -> None:
    assert found(dual(values={"enableIPv6Masquerade": False})) == ["enableIPv6Masquerade"]
    assert found(dual(values={"ipv6NativeRoutingCIDR": "fd00::/8"})) == ["ipv6NativeRoutingCIDR"]
    assert found(dual(values={"underlayProtocol": "ipv6"})) == []

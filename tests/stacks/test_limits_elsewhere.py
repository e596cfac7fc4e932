"""Values that switch an agent's option in some other way than by its own value, and spellings that mean the same."""

from typing import Any

import pytest

from stacks.config import parse_config
from stacks.settle import Cilium, ClusterNetwork, OldNetwork, settle
from stacks.values import contradictions, final_values, value_at
from stacks.values.options import OPTIONS
from stacks.values.tree import nested
from stacks.virtual_nodes import elsewhere
from tests.builders import make_cilium

BOTH_SOURCES = "config-map:kube-system/cilium-config,cilium-node-config:kube-system"


def found(cilium: Cilium) -> list[str]:
    return [each.path for each in contradictions(cilium)]


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"sleepAfterInit": "true"}, "sleepAfterInit"),
        ({"loadBalancer": {"standalone": True}}, "loadBalancer.standalone"),
        ({"extraConfig": {"bpf-lb-only": "true"}}, "extraConfig.bpf-lb-only"),
        ({"cni": {"readCniConf": "/host/etc/cni/net.d/05-own.input"}}, "cni.readCniConf"),
        ({"extraConfig": {"read-cni-conf": "/host/opt/own.conflist"}}, "extraConfig.read-cni-conf"),
        ({"upgradeCompatibility": "1.9"}, "upgradeCompatibility"),  # then the chart masquerades by BPF
        ({"upgradeCompatibility": "1.8.3"}, "upgradeCompatibility"),
        ({"daemon": {"configSources": "cilium-node-config"}}, "daemon.configSources"),
        ({"daemon": {"configSources": "config-map:other,cilium-node-config"}}, "daemon.configSources"),
        # What comes later holds: the nodes' own settings would not.
        ({"daemon": {"configSources": "cilium-node-config,config-map:cilium-config"}}, "daemon.configSources"),
        ({"daemon": {"configSources": "config-map:cilium-config,cilium-node-config:elsewhere"}},
         "daemon.configSources"),
        ({"extraArgs": ["--config-dir=/etc/cilium"]}, "extraArgs --config-dir"),
        ({"extraArgs": ["--config", "/etc/cilium.yaml"]}, "extraArgs --config"),
        ({"nodePort": {"directRoutingDevice": "flannel.1"}}, "nodePort.directRoutingDevice"),
        # A switch takes no word after it: this is on.
        ({"extraArgs": ["--cni-uninstall", "false"]}, "extraArgs --cni-uninstall"),
        ({"extraArgs": ["--enable-ipv4=F"]}, "extraArgs --enable-ipv4"),
        ({"extraConfig": {"enable-ipv4-masquerade": "0"}}, "extraConfig.enable-ipv4-masquerade"),
        ({"extraEnv": [{"name": "CILIUM_CNI_UNINSTALL", "value": "1"}]}, "extraEnv CILIUM_CNI_UNINSTALL"),
        ({"cni": {"chainingMode": ""}}, "cni.chainingMode"),  # the chart takes the nodes' routes away for it
        ({"ipam": {"mode": "multi-pool"}}, "ipam.mode"),
        ({"extraConfig": {"ipam": "kubernetes"}}, "extraConfig.ipam"),
        ({"operator": {"extraArgs": ["--cluster-pool-ipv4-mask-size", "26"]}},
         "operator.extraArgs --cluster-pool-ipv4-mask-size"),
        ({"ipam": {"operator": {"clusterPoolIPv4PodCIDRList": ["10.245.0.0/16", "10.7.0.0/16"]}}},
         "ipam.operator.clusterPoolIPv4PodCIDRList"),
    ],
)  # fmt: skip
def test_ways_around_a_value_are_seen(values: dict[str, Any], path: str) -> None:
    assert found(make_cilium(values=values)) == [path]


@pytest.mark.parametrize(
    "values",
    [
        {"policyEnforcementMode": "Never"},  # the chart writes it small, and so does the agent
        {"extraArgs": ["--enable-policy=NEVER"]},
        {"upgradeCompatibility": "1.10"},
        {"upgradeCompatibility": "1.9", "bpf": {"masquerade": False}},
        {"upgradeCompatibility": None},
        {"daemon": {"configSources": BOTH_SOURCES}},
        {"extraConfig": {"enable-ipv4": "1", "cni-uninstall": "f"}},
        {"extraArgs": ["--enable-ipv4", "--debug", "--cni-uninstall=false"]},
        {"extraConfig": {"enable-policy": None}},  # nothing is written for it
        {"extraEnv": [{"name": "CILIUM_CNI_CHAINING_TARGET"}]},  # an empty one
        {"nodePort": {"directRoutingDevice": "eth0"}},
        {"scheduling": {"mode": "kube-scheduler"}},
        {"extraConfig": {"enable-ipip-termination": "true"}},  # tunl0 is nobody's here
        {"operator": {"removeNodeTaints": False, "setNodeTaints": False}},
        {"extraConfig": {"install-iptables-rules": "true", "enable-local-node-route": "true"}},
        {"MTU": "1400 ", "operator": {"replicas": 2.0}},
    ],
)
def test_other_spellings_and_other_values_pass(values: dict[str, Any]) -> None:
    assert contradictions(make_cilium(values=values)) == []


def test_the_old_networks_own_device_is_not_taken_for_ipip() -> None:
    """Cilium gives `tunl0` another name when it ends IPIP itself (its pkg/datapath/loader)."""
    old = OldNetwork(title="Calico", encapsulation="ipip", links=("tunl0",), pod_networks=("10.244.0.0/16",))
    config = parse_config({"cilium": {"values": {"extraConfig": {"enable-ipip-termination": "true"}}}})
    assert found(settle(config.cilium, ClusterNetwork(old=old, nodes=3))) == ["extraConfig.enable-ipip-termination"]


def test_agents_are_kept_off_virtual_nodes_only_where_the_chart_minds_affinities() -> None:
    cilium = make_cilium(values={"scheduling": {"mode": "kube-scheduler"}})
    assert found(cilium.model_copy(update={"node_terms": tuple(elsewhere())})) == ["scheduling.mode"]


def test_taints_are_not_set_by_an_operator_that_is_told_not_to_remove_them() -> None:
    """The chart takes no such values, which nobody would hear of before phase `finalize`."""
    cilium = make_cilium(values={"operator": {"removeNodeTaints": False}})
    assert contradictions(cilium) == []
    assert value_at(final_values(cilium), "operator.setNodeTaints") is None
    (fault,) = contradictions(make_cilium(finalValues={"operator": {"removeNodeTaints": False, "setNodeTaints": True}}))
    assert (fault.path, fault.place) == ("operator.removeNodeTaints", "cilium.finalValues")


_NODES = "requiredDuringSchedulingIgnoredDuringExecution"
_JUNK: list[Any] = [
    "", "x", 0, 1.5, True, [], [None], [1, {"a": 1}], [[1]], {}, {"a": None}, {_NODES: "x"},
    {_NODES: {"nodeSelectorTerms": "x"}}, {_NODES: {"nodeSelectorTerms": [{"matchExpressions": ["x"]}]}},
    {_NODES: {"nodeSelectorTerms": [{"matchExpressions": [{"key": "type", "operator": "NotIn", "values": 5}]}]}},
]  # fmt: skip


@pytest.mark.parametrize("path", [*OPTIONS, "affinity", "daemon", "extraArgs", "extraEnv", "extraConfig", "operator"])
def test_whatever_is_written_there_is_judged(path: str) -> None:
    """A value that makes no sense is told of, or passes to the chart's own schema; it stops nothing."""
    for given in _JUNK:
        for place in ("values", "finalValues"):
            contradictions(make_cilium(**{place: nested(path, given)}))


def test_names_in_a_list_are_no_text_of_names() -> None:
    """The chart writes such a list with brackets, which agents take for a part of the names."""
    sources = ["config-map:cilium-config", "cilium-node-config"]
    assert found(make_cilium(values={"daemon": {"configSources": sources}})) == ["daemon.configSources"]


@pytest.mark.parametrize(
    "values",
    [
        {
            "hubble": {
                "enabled": True,
                "relay": {"enabled": True},
                "ui": {"enabled": True},
                "metrics": {"enabled": ["dns", "drop:labelsContext=source_pod"]},
            },
            "prometheus": {"enabled": True, "serviceMonitor": {"enabled": True, "trustCRDsExist": True}},
            "operator": {
                "replicas": 1,
                "rollOutPods": False,
                "prometheus": {"enabled": True},
                "dashboards": {"enabled": True},
            },
            "rollOutCiliumPods": True,
        },
        {
            "k8sServiceHost": "localhost",
            "k8sServicePort": 7445,
            "kubeProxyReplacement": True,
            "kubeProxyReplacementHealthzBindAddr": "0.0.0.0:10256",
            "loadBalancer": {"algorithm": "maglev", "mode": "snat"},
            "socketLB": {"hostNamespaceOnly": True},
            "nodePort": {"directRoutingDevice": "bond0", "range": "30000,32767"},
        },
        {
            "gatewayAPI": {"enabled": True},
            "ingressController": {"enabled": False},
            "l2announcements": {"enabled": True},
            "externalIPs": {"enabled": True},
            "bgpControlPlane": {"enabled": True},
            "k8sClientRateLimit": {"qps": 50, "burst": 200},
            "enableLBIPAM": True,
            "defaultLBServiceIPAM": "none",
            "localRedirectPolicies": {"enabled": True},
        },
        {
            "bandwidthManager": {"enabled": True, "bbr": False},
            "bpf": {"tproxy": False, "preallocateMaps": True, "vlanBypass": [0], "policyMapMax": 65536},
            "cgroup": {"autoMount": {"enabled": False}, "hostRoot": "/sys/fs/cgroup"},
            "securityContext": {
                "capabilities": {"ciliumAgent": ["CHOWN", "NET_ADMIN"], "cleanCiliumState": ["NET_ADMIN"]}
            },
            "envoy": {"enabled": False},
            "l7Proxy": True,
            "resources": {"limits": {"memory": "1Gi"}},
        },
        {
            "image": {"repository": "registry.example.org/cilium/cilium", "useDigest": False},
            "imagePullSecrets": [{"name": "pull"}],
            "cluster": {"name": "blue", "id": 7},
            "clustermesh": {"useAPIServer": True},
            "policyAuditMode": False,
            "priorityClassName": "system-node-critical",
            "podLabels": {"team": "net"},
            "updateStrategy": {"rollingUpdate": {"maxUnavailable": "20%"}},
            "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
            "extraConfig": {"bpf-map-dynamic-size-ratio": "0.005"},
            "extraEnv": [{"name": "GOGC", "value": "50"}],
            "cni": {"logFile": "/var/run/cilium/cilium-cni.log", "exclusive": True},
            "dnsProxy": {"minTtl": 60},
        },
    ],
)
def test_what_people_set_in_their_clusters_passes(values: dict[str, Any]) -> None:
    assert contradictions(make_cilium(values=values)) == []

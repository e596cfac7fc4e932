"""Limits of Helm values that the user may set, each with the harm that other values would do to the migration.

Source: the chart of 1.19, and the agent's code for each option.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from stacks.settle import Cilium
from stacks.values.node_config import HOST_CONF_FOLDER, NODE_CONFIG_KEYS
from stacks.values.options import Kind, UnclearError, meant
from stacks.values.tree import value_at
from stacks.virtual_nodes import keeps_off_these_alone

_LINUX = {"kubernetes.io/os": "linux"}
_BASE, _OF_NODES = "cilium-config", "cilium-node-config"
_COMPATIBLE = re.compile(r"v?(\d+)\.(\d+)")
_BPF_MASQUERADES = ((1, 8), (1, 10))
Fits = Callable[[Any, "Ground"], bool]


@dataclass(frozen=True, kw_only=True)
class Ground:
    """The context in which a value is judged: Cilium's settings, and all Helm values."""

    cilium: Cilium
    values: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Limit:
    """The limit of one value; a `meanwhile` one applies only while both networks run. A value that is not set fits."""

    path: str
    fits: Fits
    wanted: str | Callable[[Cilium], str]
    reason: str
    meanwhile: bool = False

    def wanted_of(self, cilium: Cilium) -> str:
        """The allowed values, in words."""
        return self.wanted if isinstance(self.wanted, str) else self.wanted(cilium)


def _is(wanted: Any) -> Fits:
    return lambda value, _: bool(value == wanted)


def _on(value: Any, _ground: Ground) -> bool:
    return bool(value)


def _off(value: Any, _ground: Ground) -> bool:
    return not value


def _anything(_value: Any, _ground: Ground) -> bool:
    return True


def _in_the_pools(value: Any, ground: Ground) -> bool:
    """True if a range lies within Cilium's pools."""
    if not value:
        return True
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        return False
    pools = [ipaddress.ip_network(each) for each in ground.cilium.pools]
    return any(network.version == each.version and network.subnet_of(each) for each in pools)  # type: ignore[arg-type]


def _fits_the_devices(value: Any, ground: Ground) -> bool:
    largest = ground.cilium.largest_mtu
    return bool(value >= 0 and (not largest or value <= largest))


def _leaves_old_links(value: Any, ground: Ground) -> bool:
    return not any(_takes(value, link, looks=_looks(ground.values)) for link in ground.cilium.old_links)


def _takes(devices: tuple[Any, ...], link: str, *, looks: bool) -> bool:
    """True if agents would use a device as an uplink: the first entry that matches decides (Cilium's DeviceFilter)."""
    for entry in map(str, devices):
        pattern = entry.removeprefix("!")
        if link.startswith(pattern.rstrip("+")) if pattern.endswith("+") else link == pattern:
            return not entry.startswith("!")
    return looks


def _looks(values: Mapping[str, Any]) -> bool:
    """True if agents detect devices in addition to the named ones."""
    try:
        return bool(meant(Kind.TRUTH, value_at(values, "forceDeviceDetection")))
    except UnclearError:
        return False


def _leaves_old_link(value: Any, ground: Ground) -> bool:
    return value not in ground.cilium.old_links


def _reads_node_configs(value: Any, ground: Ground) -> bool:
    """True if agents read `cilium-config` before the node configs, as the later one wins."""
    space, order = ground.cilium.namespace, list[str]()
    for each in value:
        kind, _, name = each.partition(":")
        if kind == "config-map" and name in (_BASE, f"{space}/{_BASE}"):
            order.append(_BASE)
        elif kind == _OF_NODES and name in ("", space):
            order.append(_OF_NODES)
    return order[:1] == [_BASE] and order[-1:] == [_OF_NODES]


def _masquerades_by_iptables(value: Any, ground: Ground) -> bool:
    """True unless the chart would turn on BPF masquerade, by the defaults of the release to be compatible with."""
    found = _COMPATIBLE.match(value)
    first, end = _BPF_MASQUERADES
    told = value_at(ground.values, "bpf.masquerade") is not None  # which has a limit of its own
    return told or not found or not first <= (int(found[1]), int(found[2])) < end


def _sets_no_taints(value: Any, ground: Ground) -> bool:
    return bool(value or not value_at(ground.values, "operator.setNodeTaints"))


def _minds_affinities(value: Any, ground: Ground) -> bool:
    return value == "anti-affinity" or not (ground.cilium.node_terms or ground.cilium.final_terms)


def _everywhere(value: Any, _ground: Ground) -> bool:
    return any(
        isinstance(each, Mapping) and each.get("operator") == "Exists" and not (each.get("key") or each.get("effect"))
        for each in value
    )


def _within_the_pools(cilium: Cilium) -> str:
    return f"nothing outside {' and '.join(cilium.pools)}"


def _at_most(cilium: Cilium) -> str:
    return f"{cilium.largest_mtu} at most" if cilium.largest_mtu else "0 or more"


def _no_old_link(cilium: Cilium) -> str:
    return f"the nodes' own devices, without {' and '.join(cilium.old_links)}"


_NO_AGENT = "a node without an agent has no tunnel, and cannot move"
_KEPT_ADDRESS = (
    "packets of pods that moved would keep their address, which the old network takes for a stranger's and nobody "
    "outside has a way to"
)
_STATE_LOST = "each start of an agent would take the addresses of the pods that it serves"
_OTHER_MODE = "it switches Cilium to another way of giving addresses or of routing them"
_NODE_CONFIG = "each node is moved by its CiliumNodeConfig, which the agents must read and obey"
_ALL_AT_ONCE = "the agents would write every node's CNI conf at once instead of node by node"
_ENCRYPTIONS = ("wireguard", "ipsec", "ztunnel")
_STRICT = "packets from and to pods of the old network are not encrypted and would be dropped"

LIMITS: tuple[Limit, ...] = (
    Limit(path="agent", fits=_on, wanted="true", reason=_NO_AGENT),
    Limit(path="nodeSelector", fits=lambda value, _: value.items() <= _LINUX.items(),
          wanted="none but kubernetes.io/os: linux", reason=_NO_AGENT),
    Limit(path="affinity.nodeAffinity", fits=lambda value, _: keeps_off_these_alone(value),
          wanted="one that keeps off virtual nodes alone", reason=_NO_AGENT),
    Limit(path="tolerations", fits=_everywhere, wanted="one of operator Exists for every taint", reason=_NO_AGENT),
    Limit(path="updateStrategy.type", fits=_is("RollingUpdate"), wanted="'RollingUpdate'",
          reason="agents take new settings when their DaemonSet starts them anew, a few at a time"),
    Limit(path="operator.enabled", fits=_on, wanted="true", reason="the operator gives each node its addresses"),
    Limit(path="operator.replicas", fits=lambda value, _: value > 0, wanted="1 or more",
          reason="the operator gives each node its addresses"),
    Limit(path="preflight.enabled", fits=_off, wanted="false",
          reason="beside a preflight the chart writes no cilium-config"),
    Limit(path="namespaceOverride", fits=lambda value, ground: value in ("", ground.cilium.namespace),
          wanted="cilium.namespace", reason="set cilium.namespace instead, so that Cilium is looked for there"),
    Limit(path="sleepAfterInit", fits=_off, wanted="false", reason=f"agents would not start; {_NO_AGENT}"),
    Limit(path="loadBalancer.standalone", fits=_off, wanted="false",
          reason="agents would balance loads alone and serve no pod"),
    Limit(path="scheduling.mode", fits=_minds_affinities, wanted="'anti-affinity'",
          reason="in another mode the chart minds no affinity, and agents would be sent to virtual nodes"),
    Limit(path="operator.removeNodeTaints", fits=_sets_no_taints, wanted="true, or operator.setNodeTaints false",
          reason="the chart takes no operator that sets taints and may not remove them"),
    Limit(path="daemon.configSources", fits=_reads_node_configs,
          wanted=f"config-map:{_BASE} and then {_OF_NODES}", reason=_NODE_CONFIG, meanwhile=True),
    *(Limit(path=f"extraConfig.{key}", fits=_off, wanted="nothing",
            reason="the agents would read other settings than the chart's and their node's")
      for key in ("config", "config-dir")),
    Limit(path="daemon.allowedConfigOverrides", fits=lambda value, _: not value or set(
          NODE_CONFIG_KEYS) <= set(value), wanted=f"{', '.join(NODE_CONFIG_KEYS)} among them", reason=_NODE_CONFIG,
          meanwhile=True),
    Limit(path="daemon.blockedConfigOverrides",
          fits=lambda value, ground: bool(value_at(ground.values, "daemon.allowedConfigOverrides"))
          or not set(NODE_CONFIG_KEYS) & set(value),
          wanted=f"none of {', '.join(NODE_CONFIG_KEYS)}", reason=_NODE_CONFIG, meanwhile=True),
    Limit(path="kubeProxyReplacement", fits=_anything, wanted=Kind.TRUTH, reason="the chart takes no other"),
    Limit(path="ipv4.enabled", fits=_on, wanted="true",
          reason="the families of a cluster cannot change while it moves"),
    Limit(path="ipv6.enabled", fits=lambda value, ground: value == (ground.cilium.pod_cidr_v6 is not None),
          wanted="what the old network has", reason="the families of a cluster cannot change while it moves"),
    Limit(path="underlayProtocol", fits=lambda value, ground: value != "ipv6" or bool(ground.cilium.pod_cidr_v6),
          wanted="'ipv4'", reason="nodes have no IPv6 addresses for a tunnel that anybody knows of"),
    Limit(path="enableIPv4Masquerade", fits=_on, wanted="true", reason=_KEPT_ADDRESS, meanwhile=True),
    Limit(path="enableIPv6Masquerade", fits=lambda value, ground: value or not ground.cilium.pod_cidr_v6,
          wanted="true", reason=_KEPT_ADDRESS, meanwhile=True),
    Limit(path="ipMasqAgent.enabled", fits=_off, wanted="false", reason=_KEPT_ADDRESS, meanwhile=True),
    Limit(path="bpf.masquerade", fits=_off, wanted="false", meanwhile=True,
          reason=f"it sees the nodes' own devices, not those to the old network's pods: {_KEPT_ADDRESS}"),
    Limit(path="upgradeCompatibility", fits=_masquerades_by_iptables, wanted="1.10 or later, or bpf.masquerade false",
          reason=f"the chart would have BPF masquerade, which sees the nodes' own devices alone: {_KEPT_ADDRESS}",
          meanwhile=True),
    Limit(path="egressMasqueradeInterfaces", fits=_off, wanted="none", reason=_KEPT_ADDRESS, meanwhile=True),
    Limit(path="disableIptablesFeederRules", fits=_off, wanted="none", reason=_KEPT_ADDRESS, meanwhile=True),
    Limit(path="extraConfig.install-iptables-rules", fits=_on, wanted="true", reason=_KEPT_ADDRESS),
    Limit(path="ipv4NativeRoutingCIDR", fits=_in_the_pools, wanted=_within_the_pools, reason=_KEPT_ADDRESS,
          meanwhile=True),
    Limit(path="ipv6NativeRoutingCIDR", fits=_in_the_pools, wanted=_within_the_pools, reason=_KEPT_ADDRESS,
          meanwhile=True),
    Limit(path="autoDirectNodeRoutes", fits=_off, wanted="false",
          reason="agents that have a tunnel do not start with it"),
    Limit(path="installNoConntrackIptablesRules", fits=_off, wanted="false",
          reason="agents that have a tunnel do not start with it"),
    Limit(path="extraConfig.enable-local-node-route", fits=_on, wanted="true",
          reason="the host would have no route to the pods that moved"),
    Limit(path="tunnel", fits=_off, wanted="nothing",
          reason="the chart has not had it since 1.15: set cilium.tunnelProtocol instead"),
    Limit(path="bpf.datapathMode", fits=_is("veth"), wanted="'veth'",
          reason="other modes pass by the host's routing, in which the two networks meet"),
    Limit(path="MTU", fits=_fits_the_devices, wanted=_at_most,
          reason="it is the devices' own, without the tunnel's header; larger packets would be lost on the way"),
    Limit(path="devices", fits=_leaves_old_links, wanted=_no_old_link,
          reason="the old network's tunnel is no way out, and goes with it"),
    Limit(path="nodePort.directRoutingDevice", fits=_leaves_old_link, wanted=_no_old_link,
          reason="the old network's tunnel is no way out, and goes with it"),
    Limit(path="extraConfig.enable-ipip-termination",
          fits=lambda value, ground: not value or "tunl0" not in ground.cilium.old_links, wanted="false",
          reason="agents would give tunl0 another name, by which the old network sends its packets", meanwhile=True),
    Limit(path="cni.readCniConf", fits=_off, wanted="nothing", meanwhile=True,
          reason="a node that moves would get that conf in place of Cilium's own"),
    Limit(path="cni.install", fits=_on, wanted="true",
          reason="no agent would write its CNI conf when its turn comes"),
    Limit(path="cni.exclusive", fits=_on, wanted="true", meanwhile=True,
          reason="the old network's conf is put aside as a node moves"),
    Limit(path="cni.configMap", fits=_off, wanted="nothing", reason=_ALL_AT_ONCE, meanwhile=True),
    Limit(path="extraConfig.write-cni-conf-when-ready", fits=_off, wanted="nothing", reason=_ALL_AT_ONCE,
          meanwhile=True),
    Limit(path="cni.confPath", fits=lambda value, ground: value.rstrip("/") == ground.cilium.cni_conf_path,
          wanted=lambda cilium: f"'{cilium.cni_conf_path}'", reason="where it is does not change with the phase"),
    Limit(path="cni.binPath", fits=lambda value, ground: value.rstrip("/") == ground.cilium.cni_bin_path,
          wanted=lambda cilium: f"'{cilium.cni_bin_path}'", reason="where it is does not change with the phase"),
    Limit(path="cni.hostConfDirMountPath", fits=_is(HOST_CONF_FOLDER), wanted=f"'{HOST_CONF_FOLDER}'",
          reason="where agents see the CNI conf folder; set cni.confPath for where it is on the nodes"),
    Limit(path="cni.chainingMode", fits=lambda value, _: value in ("none", "portmap"), wanted="'none' or 'portmap'",
          reason="chained to another plugin, Cilium makes no network of its own to move to"),
    Limit(path="cni.chainingTarget", fits=_off, wanted="nothing",
          reason="chained to another plugin, Cilium makes no network of its own to move to"),
    Limit(path="cni.externalRouting", fits=_off, wanted="false", reason="Cilium's own network routes its pods"),
    Limit(path="extraConfig.unmanaged-pod-watcher-interval", fits=lambda value, _: value in ("0", "0s"), wanted="'0'",
          reason="the operator would restart cluster DNS for ever: its pods are not Cilium's (cilium#6839, #11444)",
          meanwhile=True),
    Limit(path="cleanState", fits=_off, wanted="false", reason=_STATE_LOST),
    Limit(path="cleanBpfState", fits=_off, wanted="false", reason=_STATE_LOST),
    *(Limit(path=f"{cloud}.enabled", fits=_off, wanted="false", reason=_OTHER_MODE)
      for cloud in ("eni", "azure", "alibabacloud", "gke")),
    Limit(path="nodeinit.enabled", fits=_off, wanted="false", meanwhile=True,
          reason="it sets up kubelets and restarts pods for Cilium on every node at once"),
    Limit(path="encryption.type",
          fits=lambda value, ground: value in _ENCRYPTIONS or not value_at(ground.values, "encryption.enabled"),
          wanted=" or ".join(map(repr, _ENCRYPTIONS)), reason="the chart knows no other, and would encrypt nothing"),
    Limit(path="encryption.nodeEncryption", fits=_off, wanted="false", meanwhile=True,
          reason="the old network's tunnel would be wrapped once more, and its packets are too large for that"),
    Limit(path="encryption.strictMode.cidr", fits=_in_the_pools, wanted=_within_the_pools, reason=_STRICT,
          meanwhile=True),
    Limit(path="encryption.strictMode.egress.cidr", fits=_in_the_pools, wanted=_within_the_pools,
          reason=_STRICT, meanwhile=True),
    Limit(path="encryption.strictMode.ingress.enabled", fits=_off, wanted="false", reason=_STRICT,
          meanwhile=True),
    Limit(path="k8sNetworkPolicy.enabled", fits=_on, wanted="true",
          reason="nobody would enforce Kubernetes' NetworkPolicies once the old network is gone"),
)  # fmt: skip

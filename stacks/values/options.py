"""Cilium options that the migration depends on: each with its Helm path, its keys in `cilium-config` and its type."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

_TRUTHS = {"true": True, "false": False}
# The texts that Go reads as a boolean, in flags, in `cilium-config` and in variables.
_FLAGS = {**dict.fromkeys(("1", "t", "T", "TRUE", "true", "True"), True),
          **dict.fromkeys(("0", "f", "F", "FALSE", "false", "False"), False)}  # fmt: skip


class Kind(StrEnum):
    """Types of options, in the words of error messages."""

    TRUTH = "true or false"
    NUMBER = "a number"
    TEXT = "a text"
    NAMES = "a text of names with commas"
    WORD = "a word"  # whatever its case
    LIST = "a list"
    MAPPING = "a mapping"


class UnclearError(ValueError):
    """A value that is not of its option's type."""


@dataclass(frozen=True, kw_only=True)
class Option:
    """One option: its Helm path, and its keys in `cilium-config`, which are also the flags of Cilium's programs."""

    path: str
    kind: Kind
    keys: tuple[str, ...] = ()


def meant(kind: Kind, given: Any, *, flag: bool = False) -> Any:
    """A value converted to its option's type: `"8473"` to the number, `"true"` to true; as a `flag` also `"1"`.

    Raises UnclearError for a value that is not of that type.
    """
    found = _FLAGS.get(given) if flag and kind is Kind.TRUTH and isinstance(given, str) else _READ[kind](given)
    if found is None:
        raise UnclearError(kind)
    return found


def _truth(given: Any) -> bool | None:
    return given if isinstance(given, bool) else _TRUTHS.get(given.lower()) if isinstance(given, str) else None


def _number(given: Any) -> int | None:
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        return None
    try:
        number = float(given)
    except ValueError:
        return None
    return int(number) if number.is_integer() else None


def _list(given: Any) -> tuple[Any, ...] | None:
    if isinstance(given, str):
        return tuple(given.replace(",", " ").split())
    return tuple(given) if isinstance(given, list | tuple) else None


_READ: Mapping[Kind, Callable[[Any], Any]] = {
    Kind.TRUTH: _truth,
    Kind.NUMBER: _number,
    Kind.TEXT: lambda given: given if isinstance(given, str) else None,
    Kind.NAMES: lambda given: _list(given) if isinstance(given, str) else None,
    Kind.WORD: lambda given: given.lower() if isinstance(given, str) else None,
    Kind.LIST: _list,
    Kind.MAPPING: lambda given: given if isinstance(given, Mapping) else None,
}


_BY_KIND: dict[Kind, dict[str, tuple[str, ...]]] = {
    Kind.TRUTH: {
        "agent": (),
        "operator.enabled": (),
        "operator.setNodeTaints": ("set-cilium-node-taints",),
        "operator.removeNodeTaints": ("remove-cilium-node-taints",),
        "sleepAfterInit": (),
        "loadBalancer.standalone": ("bpf-lb-only",),  # up to 1.18
        "extraConfig.enable-ipip-termination": ("enable-ipip-termination",),
        "operator.unmanagedPodWatcher.restart": (),
        "preflight.enabled": (),
        "ipv4.enabled": ("enable-ipv4",),
        "ipv6.enabled": ("enable-ipv6",),
        "enableIPv4Masquerade": ("enable-ipv4-masquerade",),
        "enableIPv6Masquerade": ("enable-ipv6-masquerade",),
        "ipMasqAgent.enabled": ("enable-ip-masq-agent",),
        "autoDirectNodeRoutes": ("auto-direct-node-routes",),
        "kubeProxyReplacement": ("kube-proxy-replacement",),
        "bpf.masquerade": ("enable-bpf-masquerade",),
        "bpf.hostLegacyRouting": ("enable-host-legacy-routing",),
        "forceDeviceDetection": ("force-device-detection",),
        "cni.install": (),
        "cni.customConf": ("custom-cni-conf",),
        "cni.exclusive": ("cni-exclusive",),
        "cni.uninstall": ("cni-uninstall",),
        "cni.externalRouting": ("cni-external-routing",),
        "cni.iptablesRemoveAWSRules": (),
        "cgroup.autoMount.enabled": (),
        "cleanState": ("clean-cilium-state",),
        "cleanBpfState": ("clean-cilium-bpf-state",),
        "eni.enabled": (),
        "azure.enabled": (),
        "alibabacloud.enabled": (),
        "gke.enabled": (),
        "nodeinit.enabled": (),
        "encryption.enabled": (),  # its key in `cilium-config` depends on the type
        "encryption.nodeEncryption": ("encrypt-node",),
        "encryption.strictMode.ingress.enabled": ("enable-encryption-strict-mode-ingress",),
        "installNoConntrackIptablesRules": ("install-no-conntrack-iptables-rules",),
        "k8sNetworkPolicy.enabled": ("enable-k8s-networkpolicy",),
        "extraConfig.enable-local-node-route": ("enable-local-node-route",),
        "extraConfig.install-iptables-rules": ("install-iptables-rules",),
    },
    Kind.NUMBER: {
        "MTU": ("mtu",),
        "tunnelPort": ("tunnel-port",),
        "operator.replicas": (),
        "ipam.operator.clusterPoolIPv4MaskSize": ("cluster-pool-ipv4-mask-size",),
        "ipam.operator.clusterPoolIPv6MaskSize": ("cluster-pool-ipv6-mask-size",),
    },
    Kind.WORD: {"policyEnforcementMode": ("enable-policy",)},
    Kind.TEXT: {
        "upgradeCompatibility": (),
        "scheduling.mode": (),
        "nodePort.directRoutingDevice": ("direct-routing-device",),
        "cni.readCniConf": ("read-cni-conf",),
        "extraConfig.config": ("config",),
        "extraConfig.config-dir": ("config-dir",),
        "namespaceOverride": (),
        "updateStrategy.type": (),
        "routingMode": ("routing-mode",),
        "tunnel": ("tunnel",),
        "tunnelProtocol": ("tunnel-protocol",),
        "underlayProtocol": ("underlay-protocol",),
        "ipam.mode": ("ipam",),
        "bpf.datapathMode": ("datapath-mode",),
        "ipv4NativeRoutingCIDR": ("ipv4-native-routing-cidr",),
        "ipv6NativeRoutingCIDR": ("ipv6-native-routing-cidr",),
        "encryption.type": (),
        "encryption.strictMode.cidr": ("encryption-strict-mode-cidr",),
        "encryption.strictMode.egress.cidr": ("encryption-strict-egress-cidr",),
        "cni.chainingMode": ("cni-chaining-mode",),
        "cni.chainingTarget": ("cni-chaining-target",),
        "cni.configMap": (),
        "cni.confPath": (),
        "cgroup.hostRoot": ("cgroup-root",),
        "cni.binPath": (),
        "cni.hostConfDirMountPath": (),
        "extraConfig.write-cni-conf-when-ready": ("write-cni-conf-when-ready",),
        "extraConfig.unmanaged-pod-watcher-interval": ("unmanaged-pod-watcher-interval",),
    },
    Kind.LIST: {
        "devices": ("devices",),
        "tolerations": (),
        "ipam.operator.clusterPoolIPv4PodCIDRList": ("cluster-pool-ipv4-cidr",),
        "ipam.operator.clusterPoolIPv6PodCIDRList": ("cluster-pool-ipv6-cidr",),
        "egressMasqueradeInterfaces": ("egress-masquerade-interfaces",),
        "disableIptablesFeederRules": ("disable-iptables-feeder-rules",),
    },
    Kind.NAMES: {"daemon.configSources": (), "daemon.allowedConfigOverrides": (), "daemon.blockedConfigOverrides": ()},
    Kind.MAPPING: {"nodeSelector": (), "affinity.nodeAffinity": ()},
}
OPTIONS: Mapping[str, Option] = {
    path: Option(path=path, kind=kind, keys=keys) for kind, paths in _BY_KIND.items() for path, keys in paths.items()
}

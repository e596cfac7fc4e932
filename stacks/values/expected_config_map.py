"""The entries of ConfigMap `cilium-config` that are expected for given Helm values."""

from collections.abc import Mapping
from typing import Any

from stacks.values.options import OPTIONS
from stacks.values.tree import value_at

_ENCRYPTIONS = {"wireguard": "enable-wireguard", "ipsec": "enable-ipsec", "ztunnel": "enable-ztunnel"}
# Options that the chart always writes, and those that it leaves out if the value is not set.
_ALWAYS = (
    "cni.customConf",
    "policyEnforcementMode",
    "bpf.hostLegacyRouting",
    "routingMode",
    "tunnelProtocol",
    "tunnelPort",
    "ipam.mode",
    "ipam.operator.clusterPoolIPv4PodCIDRList",
    "ipam.operator.clusterPoolIPv4MaskSize",
)
_WHERE_SET = ("devices", "forceDeviceDetection", "MTU", "cni.chainingMode")
_NOT_WRITTEN = ""
_WITH_IPV6 = ("ipv6.enabled", "ipam.operator.clusterPoolIPv6PodCIDRList", "ipam.operator.clusterPoolIPv6MaskSize")


def live_settings(values: Mapping[str, Any]) -> dict[str, str]:
    """The entries that the ConfigMap `cilium-config` must have once these values are installed, as far as they matter.

    They are compared with the live object, as values alone prove nothing (source: the chart's cilium-configmap.yaml).
    """
    paths = [*_ALWAYS, *(path for path in _WHERE_SET if value_at(values, path))]
    if str(value_at(values, "ipv6.enabled")).lower() == "true":
        paths += _WITH_IPV6
    texts = {OPTIONS[path].keys[0]: _text(value_at(values, path)) for path in paths}
    if str(value_at(values, "encryption.enabled")).lower() == "true":
        texts[_ENCRYPTIONS.get(value_at(values, "encryption.type"), "enable-ipsec")] = "true"
    if value_at(values, "operator.unmanagedPodWatcher.restart") is False:
        texts["unmanaged-pod-watcher-interval"] = "0"
    taints = value_at(values, "operator.setNodeTaints")
    if isinstance(taints, bool):
        texts["set-cilium-node-taints"] = "true" if taints else _NOT_WRITTEN
    return texts


def _text(value: object) -> str:
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def settings_faults(live: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    """Differences between the live ConfigMap and the wanted entries, one line each."""
    return [
        f"{key} is '{live.get(key, 'not set')}', must " + (f"be '{text}'" if text else "not be set")
        for key, text in wanted.items()
        if live.get(key, "").lower() != text.lower()
    ]

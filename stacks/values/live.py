"""What the values come to on the cluster: Cilium's ConfigMap, which the agents read."""

from collections.abc import Mapping
from typing import Any

from stacks.values.tree import value_at

# Keys that the chart writes whatever the values, and those that it leaves out where a value is not set.
_ALWAYS = {
    "custom-cni-conf": "cni.customConf",
    "enable-policy": "policyEnforcementMode",
    "enable-host-legacy-routing": "bpf.hostLegacyRouting",
    "routing-mode": "routingMode",
    "tunnel-protocol": "tunnelProtocol",
    "tunnel-port": "tunnelPort",
    "ipam": "ipam.mode",
    "cluster-pool-ipv4-cidr": "ipam.operator.clusterPoolIPv4PodCIDRList",
    "cluster-pool-ipv4-mask-size": "ipam.operator.clusterPoolIPv4MaskSize",
}
_WHERE_SET = {
    "devices": "devices",
    "force-device-detection": "forceDeviceDetection",
    "mtu": "MTU",
    "cni-chaining-mode": "cni.chainingMode",
}
_NOT_WRITTEN = ""
_WITH_IPV6 = {
    "enable-ipv6": "ipv6.enabled",
    "cluster-pool-ipv6-cidr": "ipam.operator.clusterPoolIPv6PodCIDRList",
    "cluster-pool-ipv6-mask-size": "ipam.operator.clusterPoolIPv6MaskSize",
}


def live_settings(values: Mapping[str, Any]) -> dict[str, str]:
    """What the ConfigMap `cilium-config` must say once these values are installed: its keys and texts that matter here.

    Asserted on the live object, as values are not proof (source: the chart's cilium-configmap.yaml).
    """
    keys = {**_ALWAYS, **{key: path for key, path in _WHERE_SET.items() if value_at(values, path)}}
    if str(value_at(values, "ipv6.enabled")).lower() == "true":
        keys |= _WITH_IPV6
    texts = {key: _text(value_at(values, path)) for key, path in keys.items()}
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
    """What the live ConfigMap says otherwise than it must, one line each."""
    return [
        f"{key} is '{live.get(key, 'not set')}', must " + (f"be '{text}'" if text else "not be set")
        for key, text in wanted.items()
        if live.get(key, "").lower() != text.lower()
    ]

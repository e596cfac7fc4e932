"""Helm values of Cilium beside the old CNI, and of Cilium alone; each setting of the method carries its reason."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from stacks.config import CiliumSettings

MIGRATED_LABEL = "io.cilium.migration/cilium-default"
CNI_CONF = "05-cilium.conflist"
PORTMAP = "portmap"


@dataclass(frozen=True, kw_only=True)
class MethodValue:
    """One value that the method depends on: an override that contradicts it is refused with the reason."""

    path: str
    value: Any
    reason: str


@dataclass(frozen=True, kw_only=True)
class Contradiction:
    """A user's override that the method cannot work with."""

    path: str
    wanted: Any
    found: Any
    reason: str


def _common(cilium: CiliumSettings) -> list[MethodValue]:
    return [
        MethodValue(
            path="routingMode",
            value="tunnel",
            reason="the two networks meet through an overlay of Cilium's own",
        ),
        MethodValue(
            path="tunnelProtocol",
            value=cilium.tunnel_protocol,
            reason="set cilium.tunnelProtocol instead, so that the checks see it",
        ),
        MethodValue(
            path="tunnelPort",
            value=cilium.tunnel_port,
            reason="set cilium.tunnelPort instead, so that the checks see it",
        ),
        MethodValue(
            path="ipam.mode",
            value="cluster-pool",
            reason="only cluster-pool gives the nodes a second range beside the old CNI's",
        ),
        MethodValue(
            path="ipam.operator.clusterPoolIPv4PodCIDRList",
            value=[cilium.pod_cidr],
            reason="set cilium.podCidr instead, so that the checks see it",
        ),
        MethodValue(
            path="ipam.operator.clusterPoolIPv4MaskSize",
            value=cilium.node_mask_size,
            reason="set cilium.nodeMaskSize instead, so that the checks see it",
        ),
        MethodValue(
            path="cni.uninstall",
            value=False,
            reason="an agent that stops must not take the CNI conf of a running node with it",
        ),
    ]


def migration_method(cilium: CiliumSettings) -> list[MethodValue]:
    """What must hold while both networks run (source: Cilium's page on migrating a cluster)."""
    return [
        *_common(cilium),
        MethodValue(
            path="operator.unmanagedPodWatcher.restart",
            value=False,
            reason="the operator would restart cluster DNS for ever: its pods are not Cilium's (cilium#6839, #11444)",
        ),
        MethodValue(
            path="cni.customConf",
            value=True,
            reason="the agents would take every node's CNI conf at once instead of node by node",
        ),
        MethodValue(
            path="policyEnforcementMode",
            value="never",
            reason="traffic from pods of the old network has no identity and would be dropped",
        ),
        MethodValue(
            path="bpf.hostLegacyRouting",
            value=True,
            reason="packets between the two networks pass through the host's routing",
        ),
    ]


def final_method(cilium: CiliumSettings) -> list[MethodValue]:
    """What must hold once Cilium is alone."""
    return [
        *_common(cilium),
        MethodValue(
            path="operator.unmanagedPodWatcher.restart",
            value=True,
            reason="pods that started before their node's agent are put right again",
        ),
        MethodValue(path="cni.customConf", value=False, reason="the agents manage the CNI conf of every node"),
    ]


def _final_defaults() -> dict[str, Any]:
    # Leaving the host's routing interrupts each node for a moment (Cilium's page): not by default, but the user may.
    return {"policyEnforcementMode": "default", "bpf": {"hostLegacyRouting": True}}


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` laid on `base`, mappings merged and everything else replaced, as Helm does; neither is changed."""
    result = deepcopy(dict(base))
    for key, value in over.items():
        if isinstance(value, Mapping) and isinstance(result.get(key), Mapping):
            result[key] = merge(result[key], value)
        else:
            result[key] = deepcopy(value)
    return result


def value_at(values: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path; None where there is none."""
    here: Any = values
    for part in path.split("."):
        if not isinstance(here, Mapping):
            return None
        here = here.get(part)
    return here


def _nested(path: str, value: Any) -> dict[str, Any]:
    for part in reversed(path.split(".")):
        value = {part: value}
    return dict(value)


def _build(method: list[MethodValue], defaults: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {"kubeProxyReplacement": "false"}
    for setting in method:
        values = merge(values, _nested(setting.path, setting.value))
    return merge(merge(values, defaults), overrides)


def migration_values(cilium: CiliumSettings) -> dict[str, Any]:
    """Values of Cilium as secondary CNI: an overlay of its own, no pod and no CNI conf touched."""
    return _build(migration_method(cilium), {}, cilium.values)


def final_values(cilium: CiliumSettings) -> dict[str, Any]:
    """Values of Cilium alone: it manages every CNI conf and enforces policies again."""
    return _build(final_method(cilium), _final_defaults(), merge(cilium.values, cilium.final_values))


def contradictions(cilium: CiliumSettings) -> list[Contradiction]:
    """Overrides in the user's values that the method cannot work with, of both sets of values."""
    found: list[Contradiction] = []
    for method, values in (
        (migration_method(cilium), migration_values(cilium)),
        (final_method(cilium), final_values(cilium)),
    ):
        for setting in method:
            actual = value_at(values, setting.path)
            if actual != setting.value:
                fault = Contradiction(path=setting.path, wanted=setting.value, found=actual, reason=setting.reason)
                if all(fault.path != other.path for other in found):
                    found.append(fault)
    return found


def replaces_kube_proxy(values: Mapping[str, Any]) -> bool:
    """Whether Cilium does kube-proxy's work with these values."""
    return str(value_at(values, "kubeProxyReplacement")).lower() == "true"


def opens_host_ports(values: Mapping[str, Any]) -> bool:
    """Whether a pod's `hostPort` leads to it on Cilium's network with these values (cilium#14109, #24741)."""
    return replaces_kube_proxy(values) or value_at(values, "cni.chainingMode") == PORTMAP


def node_config(values: Mapping[str, Any]) -> dict[str, Any]:
    """The spec of the CiliumNodeConfig that makes the agent of a labelled node take over its CNI conf."""
    return {
        "nodeSelector": {"matchLabels": {MIGRATED_LABEL: "true"}},
        "defaults": {
            "write-cni-conf-when-ready": f"/host/etc/cni/net.d/{CNI_CONF}",
            "custom-cni-conf": "false",
            # It stands above the ConfigMap, so what the values say of host ports must be said here again.
            "cni-chaining-mode": PORTMAP if value_at(values, "cni.chainingMode") == PORTMAP else "none",
            "cni-exclusive": "true",
        },
    }


def node_config_api_version(cilium: CiliumSettings) -> str:
    """`cilium.io/v2` since 1.16, which is when it appeared; v2alpha1 before (cilium PR #31721, #44739)."""
    major, minor = (int(part) for part in cilium.version.split(".")[:2])
    return "cilium.io/v2" if (major, minor) >= (1, 16) else "cilium.io/v2alpha1"


def live_settings(values: Mapping[str, Any]) -> dict[str, str]:
    """What the ConfigMap `cilium-config` must say once these values are installed: its keys and texts that matter here.

    Asserted on the live object, as values are not proof (source: the chart's cilium-configmap.yaml).
    """
    texts = {
        "custom-cni-conf": value_at(values, "cni.customConf"),
        "enable-policy": value_at(values, "policyEnforcementMode"),
        "enable-host-legacy-routing": value_at(values, "bpf.hostLegacyRouting"),
        "tunnel-port": value_at(values, "tunnelPort"),
        "cluster-pool-ipv4-cidr": " ".join(value_at(values, "ipam.operator.clusterPoolIPv4PodCIDRList") or []),
        "cluster-pool-ipv4-mask-size": value_at(values, "ipam.operator.clusterPoolIPv4MaskSize"),
    }
    if value_at(values, "operator.unmanagedPodWatcher.restart") is False:
        texts["unmanaged-pod-watcher-interval"] = "0"
    return {key: str(text).lower() for key, text in texts.items()}


def settings_faults(live: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    """What the live ConfigMap says otherwise than it must, one line each."""
    return [
        f"{key} is '{live.get(key, 'not set')}', must be '{text}'"
        for key, text in wanted.items()
        if live.get(key, "").lower() != text
    ]

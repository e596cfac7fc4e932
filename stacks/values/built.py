"""The values as Helm gets them: ours, with the user's laid over them."""

from collections.abc import Mapping
from typing import Any

from stacks.settle import Cilium
from stacks.values.method import MethodValue, final_method, migration_method
from stacks.values.node_config import PORTMAP
from stacks.values.tree import merge, nested, value_at


def _build(method: list[MethodValue], overrides: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for setting in method:
        values = merge(values, nested(setting.path, setting.value))
    # A list of devices that the user names is meant to be the whole list.
    if "devices" in overrides and "forceDeviceDetection" not in overrides:
        values.pop("forceDeviceDetection", None)
    return merge(values, overrides)


def migration_values(cilium: Cilium) -> dict[str, Any]:
    """Values of Cilium as secondary CNI: an overlay of its own, no pod and no CNI conf touched."""
    return _build(migration_method(cilium), cilium.values)


def final_values(cilium: Cilium) -> dict[str, Any]:
    """Values of Cilium alone: it manages every CNI conf and enforces policies again."""
    return _build(final_method(cilium), merge(cilium.values, cilium.final_values))


def replaces_kube_proxy(values: Mapping[str, Any]) -> bool:
    """Whether Cilium does kube-proxy's work with these values."""
    return str(value_at(values, "kubeProxyReplacement")).lower() == "true"


def opens_host_ports(values: Mapping[str, Any]) -> bool:
    """Whether a pod's `hostPort` leads to it on Cilium's network with these values (cilium#14109, #24741)."""
    return replaces_kube_proxy(values) or value_at(values, "cni.chainingMode") == PORTMAP

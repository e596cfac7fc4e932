"""The values as Helm gets them: the program's, overridden by the user's."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from stacks.settle import Cilium
from stacks.values.chosen_values import MethodValue, final_method, migration_method
from stacks.values.node_config import PORTMAP
from stacks.values.options import OPTIONS, Kind, UnclearError, meant
from stacks.values.tree import merge, nested, value_at


def _build(method: list[MethodValue], overrides: Mapping[str, Any]) -> dict[str, Any]:
    overrides = _typed(overrides)
    values: dict[str, Any] = {}
    for setting in method:
        values = merge(values, nested(setting.path, setting.value))
    # A list of devices that the user sets is the complete list.
    if "devices" in overrides and "forceDeviceDetection" not in overrides:
        values.pop("forceDeviceDetection", None)
    # The chart refuses an operator that sets taints but may not remove them.
    removes, sets = (value_at(overrides, f"operator.{verb}NodeTaints") for verb in ("remove", "set"))
    if removes is False and sets is None and value_at(values, "operator.setNodeTaints"):
        values["operator"].pop("setNodeTaints")
    return merge(values, overrides)


def _typed(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values with texts that denote a number or a boolean converted, as the chart's schema requires."""
    for option in OPTIONS.values():
        given = value_at(values, option.path)
        if option.path.startswith("extraConfig."):  # goes to a ConfigMap, which holds only texts
            continue
        if isinstance(given, str) and option.kind in (Kind.TRUTH, Kind.NUMBER):
            with suppress(UnclearError):
                values = merge(values, nested(option.path, meant(option.kind, given)))
    return values


def migration_values(cilium: Cilium) -> dict[str, Any]:
    """Values for Cilium as secondary CNI: an overlay of its own; it touches no pod and no CNI conf."""
    return _build(migration_method(cilium), cilium.values)


def final_values(cilium: Cilium) -> dict[str, Any]:
    """Values for Cilium alone: it manages every CNI conf and enforces policies again."""
    return _build(final_method(cilium), merge(cilium.values, cilium.final_values))


def replaces_kube_proxy(values: Mapping[str, Any]) -> bool:
    """True if Cilium replaces kube-proxy with these values."""
    return str(value_at(values, "kubeProxyReplacement")).lower() == "true"


def opens_host_ports(values: Mapping[str, Any]) -> bool:
    """True if `hostPort` works on Cilium's network with these values (cilium#14109, #24741)."""
    return replaces_kube_proxy(values) or value_at(values, "cni.chainingMode") == PORTMAP

"""Cilium's filter of identity-relevant labels: from the Helm values, or from the live ConfigMap if they have none."""

from collections.abc import Mapping
from typing import Any

from stacks.cilium_versions import Minor, minor_of
from stacks.policies.identity_labels import LabelFilter, WrittenFilter, read_filter
from stacks.sections.cilium import CiliumSettings
from stacks.values import merge, value_at

_KEY, _FILE = "labels", "label-prefix-file"
_VARIABLES = ("CILIUM_LABELS", "CILIUM_LABEL_PREFIX_FILE")


def while_migrating(cilium: CiliumSettings, live: Mapping[str, str] | None) -> WrittenFilter:
    """The filter beside the old CNI."""
    return _written(cilium.values, live or {}, version=minor_of(cilium.version))


def at_last(cilium: CiliumSettings, live: Mapping[str, str] | None) -> WrittenFilter:
    """The filter from phase `finalize` on."""
    return _written(merge(cilium.values, cilium.final_values), live or {}, version=minor_of(cilium.version))


def _written(values: Mapping[str, Any], live: Mapping[str, str], *, version: Minor) -> WrittenFilter:
    more = values.get("extraConfig") or {}
    said = {f"cilium.values {place}": text for place, text in _places(values, more) if text is not None}
    other = _elsewhere(values, more, live)
    if other:
        return _unread(f"{other} sets it, which this program does not read")
    if len({str(each) for each in said.values()}) > 1:
        return _unread(f"{' and '.join(said)} both set it")
    for place, text in said.items():
        if not isinstance(text, str):
            return _unread(f"{place} is no text with spaces between patterns")
        return read_filter(text, version=version)
    return read_filter(live.get(_KEY, ""), version=version)


def _places(values: Mapping[str, Any], more: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(_KEY, values.get(_KEY)), (f"extraConfig.{_KEY}", more.get(_KEY))]


def _elsewhere(values: Mapping[str, Any], more: Mapping[str, Any], live: Mapping[str, str]) -> str:
    """A setting that overrides the ConfigMap's `labels`, or adds a file to it; empty if there is none."""
    if more.get(_FILE) or live.get(_FILE):
        return _FILE
    arguments = [str(each) for each in value_at(values, "extraArgs") or []]
    flags = [each for each in arguments if each.lstrip("-").partition("=")[0] in (_KEY, _FILE)]
    variables = [each for each in value_at(values, "extraEnv") or [] if each.get("name") in _VARIABLES]
    return "extraArgs" if flags else "extraEnv" if variables else ""


def _unread(fault: str) -> WrittenFilter:
    return WrittenFilter(filter=LabelFilter(fault=fault))

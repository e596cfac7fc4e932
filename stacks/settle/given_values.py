"""Network settings that the user gave as Helm values: devices, their MTU, and the underlay's IP version."""

from collections.abc import Mapping
from typing import Any

_TRUE = "true"


def wished_devices(values: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The devices, given as a list or as a text; None if there are none, or the value is of another type."""
    found = _set(values, "devices", "devices")
    if isinstance(found, str):
        found = found.replace(",", " ").split()
    return tuple(map(str, found)) if isinstance(found, list | tuple) and found else None


def looks_for_devices(values: Mapping[str, Any]) -> bool:
    """True if agents detect devices in addition to the named ones."""
    return str(_set(values, "forceDeviceDetection", "force-device-detection")).lower() == _TRUE


def wished_mtu(values: Mapping[str, Any]) -> int | None:
    """The devices' MTU, given as a number or as a text; None if agents detect it."""
    found = _set(values, "MTU", "mtu")
    text = str(found)
    return int(text) if not isinstance(found, bool) and text.isdecimal() and int(text) else None


def over_ipv6(values: Mapping[str, Any]) -> bool:
    """True if the tunnel's own packets are IPv6."""
    return bool(_set(values, "underlayProtocol", "underlay-protocol") == "ipv6")


def _set(values: Mapping[str, Any], path: str, key: str) -> Any:
    """A Helm value, or the same option in `extraConfig`, by the name that Cilium's programs use."""
    extra = values.get("extraConfig")
    found = values.get(path)
    return found if found is not None or not isinstance(extra, Mapping) else extra.get(key)

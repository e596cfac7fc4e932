"""Limits of one Helm value: which values fit, and what the text says of those that do not."""

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from stacks.settle import Cilium
from stacks.values.options import Kind, UnclearError, meant
from stacks.values.tree import value_at

BASE, OF_NODES = "cilium-config", "cilium-node-config"
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


def is_exactly(wanted: Any) -> Fits:
    """One value alone fits."""
    return lambda value, _: bool(value == wanted)


def on(value: Any, _ground: Ground) -> bool:
    """Anything that is true fits."""
    return bool(value)


def off(value: Any, _ground: Ground) -> bool:
    """Anything that is false fits."""
    return not value


def anything(_value: Any, _ground: Ground) -> bool:
    """Every value fits that has the option's type."""
    return True


def in_the_pools(value: Any, ground: Ground) -> bool:
    """True if a range lies within Cilium's pools."""
    if not value:
        return True
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        return False
    pools = [ipaddress.ip_network(each) for each in ground.cilium.pools]
    return any(network.version == each.version and network.subnet_of(each) for each in pools)  # type: ignore[arg-type]


def fits_the_devices(value: Any, ground: Ground) -> bool:
    """True if packets of that size fit the nodes' devices."""
    largest = ground.cilium.largest_mtu
    return bool(value >= 0 and (not largest or value <= largest))


def leaves_old_links(value: Any, ground: Ground) -> bool:
    """True if the devices leave out the old network's links."""
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


def leaves_old_link(value: Any, ground: Ground) -> bool:
    """True if the device is none of the old network's links."""
    return value not in ground.cilium.old_links


def reads_node_configs(value: Any, ground: Ground) -> bool:
    """True if agents read `cilium-config` before the node configs, as the later one wins."""
    space, order = ground.cilium.namespace, list[str]()
    for each in value:
        kind, _, name = each.partition(":")
        if kind == "config-map" and name in (BASE, f"{space}/{BASE}"):
            order.append(BASE)
        elif kind == OF_NODES and name in ("", space):
            order.append(OF_NODES)
    return order[:1] == [BASE] and order[-1:] == [OF_NODES]


def masquerades_by_iptables(value: Any, ground: Ground) -> bool:
    """True unless the chart would turn on BPF masquerade, by the defaults of the release to be compatible with."""
    found = _COMPATIBLE.match(value)
    first, end = _BPF_MASQUERADES
    told = value_at(ground.values, "bpf.masquerade") is not None  # which has a limit of its own
    return told or not found or not first <= (int(found[1]), int(found[2])) < end


def sets_no_taints(value: Any, ground: Ground) -> bool:
    """True unless the operator would set taints and could not remove them."""
    return bool(value or not value_at(ground.values, "operator.setNodeTaints"))


def minds_affinities(value: Any, ground: Ground) -> bool:
    """True if the chart applies affinities, or none are needed."""
    return value == "anti-affinity" or not (ground.cilium.node_terms or ground.cilium.final_terms)


def everywhere(value: Any, _ground: Ground) -> bool:
    """True if the tolerations tolerate every taint."""
    return any(
        isinstance(each, Mapping) and each.get("operator") == "Exists" and not (each.get("key") or each.get("effect"))
        for each in value
    )


def within_the_pools(cilium: Cilium) -> str:
    """The allowed ranges, in words."""
    return f"nothing outside {' and '.join(cilium.pools)}"


def at_most(cilium: Cilium) -> str:
    """The allowed packet sizes, in words."""
    return f"{cilium.largest_mtu} at most" if cilium.largest_mtu else "0 or more"


def no_old_link(cilium: Cilium) -> str:
    """The allowed devices, in words."""
    return f"the nodes' own devices, without {' and '.join(cilium.old_links)}"

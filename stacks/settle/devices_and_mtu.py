"""Cilium's `devices` and `MTU`: the node devices that Cilium may use as uplinks, and the packet size that fits."""

from collections.abc import Mapping
from typing import Any

from stacks.settle.cluster import VXLAN_V6, ClusterNetwork
from stacks.settle.given_values import looks_for_devices, wished_devices, wished_mtu
from stacks.settle.other_devices import LEFT_ALONE, end_of_pods, is_foreign, is_passed_over, is_taken
from stacks.settle.value_with_reason import Choice, kept, wish

# Cilium subtracts this itself from `MTU`, which is the device's (its pkg/mtu: outer IPv4, UDP, VXLAN, Ethernet).
TUNNEL_OVERHEAD = 50
TUNNEL_OVERHEAD_V6 = 70
# Host-side ends of pods' links. Cilium ignores them unless it was given a list; then it selects every veth with a
# route (its devices_controller.go).
_ENDS_OF_PODS = ("!cali+", "!veth+")
# Header bytes that each old network takes off the device's MTU; nothing is assumed for an unknown one.
_OVERHEADS = {"vxlan": 50, VXLAN_V6: 70, "geneve": 50, "ipip": 20, "udp": 28, "wireguard": 60}
# The same for networks that detect their MTU: WireGuard always subtracts what it needs over IPv6.
_OVERHEADS_FOUND = {"wireguard": 80, "ipsec": 77}
_ACROSS_SUBNETS = "-cross-subnet"
_EXCLUDES_SINCE = (1, 19)
_DEVICES, _MTU = "devices", "mtu"


def taken_for_external(links: tuple[str, ...]) -> list[str]:
    """The old CNI's links that Cilium would mistake for uplinks of the node."""
    return [each for each in links if not each.startswith(LEFT_ALONE) and not each.endswith(("+", "*"))]


def _foreign(cluster: ClusterNetwork) -> tuple[list[str], list[str]]:
    """Foreign tunnels that are no node's uplink, and exclusion patterns for host-side ends of pods' links."""
    own = {name for devices in cluster.uplinks.values() for name in devices}
    seen = {name for devices in cluster.besides.values() for name in devices} - own
    ends = sorted({f"!{end}+" for each in seen if (end := end_of_pods(each))})
    return sorted(each for each in seen if is_foreign(each) or cluster.kinds.get(each) == "tunnel"), ends


def settle_devices(
    cluster: ClusterNetwork, *, values: Mapping[str, Any], version: tuple[int, int]
) -> Choice[tuple[str, ...]]:
    """Cilium's `devices`; empty if the agents may detect them. `values` are the user's."""
    wished = wished_devices(values)
    if wished is not None:
        return wish(wished, key="values.devices")
    recorded = cluster.recorded.get(_DEVICES)
    if cluster.live is not None:
        was = {**recorded, "value": tuple(recorded["value"])} if recorded else None
        return kept(tuple(cluster.live.get("devices", "").replace(",", " ").split()), recorded=was)
    others, ends = _foreign(cluster)
    theirs = list(dict.fromkeys([*taken_for_external(cluster.old.links), *others]))
    if not theirs:
        nothing = (
            f"{cluster.old.title} makes no link that Cilium would take for a way out: it finds the nodes' own itself"
        )
        return Choice(value=(), reason=nothing)
    what = f"left alone, Cilium takes {' and '.join(theirs)} for a way out, and packets shrink (1400 bytes, measured)"
    if version >= _EXCLUDES_SINCE:
        reason = f"{what}; all others are found by each agent, so nodes with other devices may join"
        return Choice(value=(*(f"!{each}" for each in theirs), *_ENDS_OF_PODS, *ends), reason=reason)
    if not cluster.uplinks:
        return Choice(value=(), reason=f"not known until the first `pulumi up` has looked at the nodes; {what}")
    own = sorted({device for found in cluster.uplinks.values() for device in found})
    before = f"Cilium before {'.'.join(map(str, _EXCLUDES_SINCE))} can only be told which to take"
    return Choice(value=tuple(own), reason=f"{what}; {before}: a node that joins must have one of these")


def counted_devices(devices: tuple[str, ...], *, values: Mapping[str, Any]) -> tuple[str, ...]:
    """The entries that filter detected devices: with detection on, only exclusions do."""
    looks = looks_for_devices(values)
    return tuple(each for each in devices if each.startswith("!")) if looks else devices


def settle_mtu(
    cluster: ClusterNetwork, *, values: Mapping[str, Any], devices: tuple[str, ...], header: int
) -> Choice[int | None]:
    """Cilium's `MTU`, which is the underlying device's; None if each agent uses its own device's.

    `header` is what Cilium subtracts from it for pods: the headers of its tunnel and of its encryption.
    """
    wished = wished_mtu(values)
    if wished is not None:
        return wish(wished, key="values.MTU")
    recorded = cluster.recorded.get(_MTU)
    if cluster.live is not None:
        live = cluster.live.get("mtu", "")
        return kept(int(live) if live.isdigit() and int(live) else None, recorded=recorded)
    least, most = _device_mtus(cluster, devices)
    if least is None:
        return Choice(value=None, reason="each agent takes its own device's, which were not looked at yet")
    named = bool(devices) and not devices[0].startswith("!")
    carried = _carried(cluster, least=least)
    if carried and carried[0] < least:
        reason = f"pods of {cluster.old.title} were kept to {carried[1]}: no more is known to get through"
        return Choice(value=carried[0], reason=f"{reason}; {_for_pods(carried[0], header)}")
    if least != most:
        reason = f"devices of {least} and of {most} bytes: the smallest fits through all"
        return Choice(value=least, reason=f"{reason}; {_for_pods(least, header)}")
    bridges = [each for each, kind in cluster.kinds.items() if kind == "bridge"]
    bridged = next(
        (
            node
            for node, own in cluster.uplinks.items()
            if own and all(is_passed_over(each) or each in bridges for each in own)
        ),
        None,
    )
    if bridged and not named:
        reason = f"Cilium takes no bridge by itself, and on node {bridged} would find no device and take 65520"
        return Choice(value=least, reason=f"{reason}; {_for_pods(least, header)}")
    if named:
        reason = "the devices' own, so that a node with none of those names does not take 65520 (Cilium's pkg/mtu)"
        return Choice(value=least, reason=f"{reason}; {_for_pods(least, header)}")
    return Choice(
        value=None, reason=f"each agent takes its own device's, {least} on all nodes; {_for_pods(least, header)}"
    )


def pods_mtu(cluster: ClusterNetwork, *, mtu: int | None, devices: tuple[str, ...], header: int) -> int | None:
    """The MTU that pods will have; None if it is not known yet."""
    beneath = mtu or _device_mtus(cluster, devices)[0]
    return beneath - header if beneath else None


def largest_mtu(cluster: ClusterNetwork) -> int | None:
    """The smallest MTU of the nodes' uplinks; None if no node was inspected."""
    found = [mtu for devices in cluster.uplinks.values() for mtu in devices.values()]
    return min(found, default=None)


def _device_mtus(cluster: ClusterNetwork, devices: tuple[str, ...]) -> tuple[int | None, int | None]:
    """(Smallest, largest) MTU of the nodes' uplinks; the smallest includes further devices that Cilium selects."""
    own = [mtu for found in cluster.uplinks.values() for mtu in found.values()]
    if not own:
        return None, None
    taken = [
        mtu
        for found in cluster.besides.values()
        for name, mtu in found.items()
        if is_taken(name, devices) and not end_of_pods(name)
    ]
    return min(own + taken), max(own)


def _carried(cluster: ClusterNetwork, *, least: int) -> tuple[int, int] | None:
    """The packet size that the old network is known to carry, with its header, and the MTU that was set for it.

    None if the old network detected its MTU. A network that encapsulates only across subnets has its MTU set for the
    encapsulated packets.
    """
    old = cluster.old
    main = old.encapsulation.removesuffix(_ACROSS_SUBNETS)
    kinds = ((main, old.mtu), (old.encryption, old.encrypted_mtu), *old.beside)
    found = [
        (mtu + _OVERHEADS.get(kind, 0), mtu) for kind, mtu in kinds if mtu and least - mtu != _OVERHEADS_FOUND.get(kind)
    ]
    return min(found, default=None)


def _for_pods(mtu: int, header: int) -> str:
    return f"pods get {mtu - header}, as Cilium takes its headers' {header} off itself"

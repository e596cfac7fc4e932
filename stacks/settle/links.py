"""The nodes' devices: which of them Cilium may take for the way out, and what size of packet fits through them."""

from stacks.settle.choice import Choice, kept
from stacks.settle.cluster import ClusterNetwork

# Cilium subtracts this itself from `MTU`, which is the device's (its pkg/mtu: outer IPv4, UDP, VXLAN, Ethernet).
TUNNEL_OVERHEAD = 50
# Names that Cilium never takes by itself (its pkg/defaults/node.go).
_LEFT_ALONE = ("cilium_", "lo", "lxc", "cni", "docker")
# The nodes' ends of pods' links. Cilium leaves them out unless it was given a list, and then it takes every veth with a
# route (its devices_controller.go).
_ENDS_OF_PODS = ("!cali+", "!veth+")
# What each old network takes off the device's MTU for its own header.
_OVERHEADS = {"vxlan": 50, "geneve": 50, "ipip": 20, "udp": 28, "host-gw": 0, "none": 0}
_EXCLUDES_SINCE = (1, 19)
_DEVICES, _MTU = "devices", "mtu"


def taken_for_external(links: tuple[str, ...]) -> list[str]:
    """Those of the old CNI's links that Cilium would take for a way out of the node."""
    return [each for each in links if not each.startswith(_LEFT_ALONE) and not each.endswith(("+", "*"))]


def settle_devices(cluster: ClusterNetwork, *, version: tuple[int, int]) -> Choice[tuple[str, ...]]:
    """Cilium's `devices`; empty where it may find them itself."""
    recorded = cluster.recorded.get(_DEVICES)
    if cluster.live is not None:
        was = {**recorded, "value": tuple(recorded["value"])} if recorded else None
        return kept(tuple(cluster.live.get("devices", "").replace(",", " ").split()), recorded=was)
    theirs = taken_for_external(cluster.old.links)
    if not theirs:
        nothing = (
            f"{cluster.old.title} makes no link that Cilium would take for a way out: it finds the nodes' own itself"
        )
        return Choice(value=(), reason=nothing)
    what = f"left alone, Cilium takes {' and '.join(theirs)} for a way out, and packets shrink (1400 bytes, measured)"
    if version >= _EXCLUDES_SINCE:
        reason = f"{what}; all others are found by each agent, so nodes with other devices may join"
        return Choice(value=(*(f"!{each}" for each in theirs), *_ENDS_OF_PODS), reason=reason)
    if not cluster.uplinks:
        return Choice(value=(), reason=f"not known until phase 'preflight' has looked at the nodes; {what}")
    own = sorted({device for found in cluster.uplinks.values() for device in found})
    before = f"Cilium before {'.'.join(map(str, _EXCLUDES_SINCE))} can only be told which to take"
    return Choice(value=tuple(own), reason=f"{what}; {before}: a node that joins must have one of these")


def settle_mtu(cluster: ClusterNetwork, *, devices: tuple[str, ...]) -> Choice[int | None]:
    """Cilium's `MTU`, which is that of the device beneath; None where each agent takes its own device's."""
    recorded = cluster.recorded.get(_MTU)
    if cluster.live is not None:
        live = cluster.live.get("mtu", "")
        return kept(int(live) if live.isdigit() and int(live) else None, recorded=recorded)
    least, most = _device_mtus(cluster)
    if least is None:
        return Choice(value=None, reason="each agent takes its own device's, which were not looked at yet")
    carried = _carried(cluster)
    if carried is not None and carried < least:
        reason = f"pods of {cluster.old.title} were kept to {cluster.old.mtu}: no more is known to get through"
        return Choice(value=carried, reason=f"{reason}; {_for_pods(carried)}")
    if least != most:
        reason = f"devices of {least} and of {most} bytes: the smallest fits through all"
        return Choice(value=least, reason=f"{reason}; {_for_pods(least)}")
    if devices and not devices[0].startswith("!"):
        reason = "the devices' own, so that a node with none of those names does not take 65520 (Cilium's pkg/mtu)"
        return Choice(value=least, reason=f"{reason}; {_for_pods(least)}")
    return Choice(value=None, reason=f"each agent takes its own device's, {least} on all nodes; {_for_pods(least)}")


def pods_mtu(cluster: ClusterNetwork, *, mtu: int | None) -> int | None:
    """The size of packet that pods will have; None where it cannot be known yet."""
    beneath = mtu or _device_mtus(cluster)[0]
    return beneath - TUNNEL_OVERHEAD if beneath else None


def largest_mtu(cluster: ClusterNetwork) -> int | None:
    """What fits through the smallest of the nodes' devices; None where no node was looked at."""
    return _device_mtus(cluster)[0]


def _device_mtus(cluster: ClusterNetwork) -> tuple[int | None, int | None]:
    found = [mtu for devices in cluster.uplinks.values() for mtu in devices.values()]
    return (min(found), max(found)) if found else (None, None)


def _carried(cluster: ClusterNetwork) -> int | None:
    """What the old network is known to carry, its header included."""
    overhead = _OVERHEADS.get(cluster.old.encapsulation)
    return cluster.old.mtu + overhead if cluster.old.mtu and overhead is not None else None


def _for_pods(mtu: int) -> str:
    return f"pods get {mtu - TUNNEL_OVERHEAD}, as Cilium takes its tunnel's {TUNNEL_OVERHEAD} off itself"

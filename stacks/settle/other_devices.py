"""Network devices that are not uplinks of a node, recognised by their names.

Cilium selects every device that is up and has an address, and the smallest MTU of its devices becomes the MTU of every
pod on the node (Cilium's devices_controller.go, pkg/mtu). It never selects bridges, nor devices with certain names.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

# Prefixes that Cilium never selects by itself (its pkg/defaults/node.go), and that of its own devices.
LEFT_ALONE = ("cilium_", "lo", "lxc", "cni", "docker")
_BRIDGES = re.compile(r"br($|[-\d])|[a-z]*br\d|(vir|vm|lxc|lxd|incus|c)br|podman|nerdctl|kube-bridge|weave|ovs")
# Cilium ignores dummy devices, and those that hold addresses of Services are down.
_DUMMIES = re.compile(r"dummy|kube-(ipvs|dummy)|nodelocaldns")
_ENDS_OF_PODS = ("cali", "veth")
# Host-side ends of pods' links in cloud networks: Cilium selects them if it was given a list of devices.
_ENDS_IN_CLOUDS = ("eni", "azv", "gke")
# VPNs keep their routes in routing tables of their own, which the node inspection does not read.
_VPNS = re.compile(r"tailscale|wg|wireguard|wt\d|zt|nebula|netmaker|u?tun(?!l)|ppp|ipsec|xfrm|vti")
_TUNNELS = re.compile(r"flannel|vxlan|genev|tunl|sit\d|gre|ip6|tap|dummy")


def besides(
    interfaces: Mapping[str, int],
    *,
    routed: Collection[str],
    known: Collection[str],
    kinds: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, int]:
    """The interfaces of a node, with their MTU, that Cilium would select in addition to the known ones.

    `routed` are the interfaces that a route uses, or that have an address, which the kernel adds a route for.
    `kinds` has those that are a bridge, a tunnel or down.
    """
    return {
        name: mtu
        for name, mtu in interfaces.items()
        if name not in known
        and not name.startswith(_ENDS_OF_PODS)
        and not is_passed_over(name)
        and not _DUMMIES.match(name)
        and kinds.get(name) not in ("bridge", "down")
        and (name in routed or _VPNS.match(name))
    }


def is_passed_over(name: str) -> bool:
    """True if Cilium selects the device only when it is named in the settings."""
    return name.startswith(LEFT_ALONE) or bool(_BRIDGES.match(name))


def hides_routes(name: str) -> bool:
    """True if the device is a VPN's, which may lead to the other nodes although no visible route does."""
    return bool(_VPNS.match(name))


def is_foreign(name: str) -> bool:
    """True if the device is a tunnel that is not an uplink of the node."""
    return hides_routes(name) or bool(_TUNNELS.match(name))


def end_of_pods(name: str) -> str:
    """The prefix in the name of a host-side end of a pod's link in a cloud; empty for other devices."""
    return next((each for each in _ENDS_IN_CLOUDS if name.startswith(each)), "")


def is_taken(name: str, devices: Sequence[str]) -> bool:
    """True if Cilium selects a device by this list of `devices`, whose entries it reads in order."""
    for entry in devices:
        pattern = entry.removeprefix("!")
        if name.startswith(pattern.rstrip("+")) if pattern.endswith("+") else name == pattern:
            return not entry.startswith("!")
    return not devices or devices[0].startswith("!")

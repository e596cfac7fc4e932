"""What Calico's own objects say of its network, however it was installed: pools, Felix, BGP."""

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from components.operations.snapshot import Snapshot
from components.sources.workload import Object

_DEFAULT_PORT, _DEFAULT_VNI = 4789, 4096  # Felix's vxlanPort and vxlanVNI
_NEVER = ("", "Never", "None", "Off")


class Pools(BaseModel):
    """The pools that pods get addresses from, and how their traffic goes from node to node."""

    model_config = ConfigDict(frozen=True)

    networks: tuple[str, ...]
    encapsulation: str
    told: tuple[str, ...]


def _spec(item: Object) -> Mapping[str, Any]:
    return item.get("spec") or {}


def default_felix(snapshot: Snapshot) -> Mapping[str, Any]:
    """Felix's settings for the whole cluster."""
    found = snapshot.calico.get("FelixConfiguration", ())
    return next((_spec(each) for each in found if each["metadata"]["name"] == "default"), {})


def _setting(environment: Mapping[str, str], felix: Mapping[str, Any], name: str) -> Any:
    """A setting of Felix, whose environment comes before its object."""
    return environment.get(f"FELIX_{name.upper()}") or felix.get(name)


def dataplane_of(environment: Mapping[str, str], snapshot: Snapshot) -> str:
    """What programs the nodes: iptables, nftables or ebpf."""
    felix = default_felix(snapshot)
    if str(_setting(environment, felix, "bpfEnabled")).lower() == "true":
        return "ebpf"
    return "nftables" if str(_setting(environment, felix, "nftablesMode")).lower() == "enabled" else "iptables"


def tunnel_of(environment: Mapping[str, str], snapshot: Snapshot) -> tuple[int, int]:
    """(UDP port, VNI) of Calico's VXLAN."""
    felix = default_felix(snapshot)
    port = _setting(environment, felix, "vxlanPort") or _DEFAULT_PORT
    return int(port), int(_setting(environment, felix, "vxlanVNI") or _DEFAULT_VNI)


def mtu_of(environment: Mapping[str, str], snapshot: Snapshot, *, encapsulation: str) -> int | None:
    """The MTU that somebody set, in bytes; None where Calico finds it out by itself (0, as its manifests have it)."""
    felix = default_felix(snapshot)
    name = "ipipMTU" if encapsulation == "ipip" else "vxlanMTU"
    aliases = [environment.get("FELIX_IPINIPMTU") if encapsulation == "ipip" else None, felix.get("mtu")]
    for found in (_setting(environment, felix, name), *aliases):
        if found and int(found):
            return int(found)
    return None


def pools_of(snapshot: Snapshot) -> Pools | None:
    """The enabled pools; None where there is none yet."""
    found = [each for each in snapshot.calico.get("IPPool", ()) if not _spec(each).get("disabled")]
    for_pods = [each for each in found if "Workload" in (_spec(each).get("allowedUses") or ["Workload"])]
    if not for_pods:
        return None
    return make_pools(
        [
            (
                _spec(each)["cidr"],
                _mode(_spec(each).get("vxlanMode"), "vxlan") or _mode(_spec(each).get("ipipMode"), "ipip") or "routes",
                f"IPPool {each['metadata']['name']}",
            )
            for each in for_pods
        ]
    )


def _mode(text: str | None, kind: str) -> str:
    if (text or "") in _NEVER:
        return ""
    return f"{kind}-cross-subnet" if text == "CrossSubnet" else kind


def make_pools(pools: Sequence[tuple[str, str, str]]) -> Pools:
    """From (CIDR, encapsulation, where it stands); IPv4 first, and the first pool's encapsulation is the cluster's."""
    ordered = sorted(pools, key=lambda pool: ipaddress.ip_network(pool[0], strict=False).version)
    tunnels = [encapsulation for _, encapsulation, _ in ordered if encapsulation != "routes"]
    return Pools(
        networks=tuple(cidr for cidr, _, _ in ordered),
        encapsulation=tunnels[0] if tunnels else "routes",
        told=tuple(f"{where}: {cidr}, {encapsulation}" for cidr, encapsulation, where in ordered),
    )


def bgp_peers_of(snapshot: Snapshot) -> tuple[str, ...]:
    """Routers outside the cluster that Calico speaks BGP with, by name and address."""
    return tuple(
        f"{each['metadata']['name']} ({_spec(each).get('peerIP') or _spec(each).get('peerSelector') or 'its nodes'})"
        for each in snapshot.calico.get("BGPPeer", ())
    )


def announced_by(snapshot: Snapshot) -> tuple[str, ...]:
    """Service ranges that Calico announces to its peers."""
    keys = ("serviceClusterIPs", "serviceExternalIPs", "serviceLoadBalancerIPs")
    return tuple(
        each["cidr"]
        for item in snapshot.calico.get("BGPConfiguration", ())
        for key in keys
        for each in _spec(item).get(key) or []
    )

"""Calico's network settings from its own objects, however it was installed: pools, Felix, BGP."""

import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from components.operations.snapshot import Snapshot
from components.sources.calico.objects import NATIVE, OLD
from components.sources.facts.workload import Object
from components.sources.facts.workload import environment as environment_of
from stacks.settle import VXLAN_V6

_DEFAULT_PORT, _DEFAULT_VNI = 4789, 4096  # Felix's vxlanPort and vxlanVNI
_NEVER = ("", "Never", "None", "Off")
_SETTINGS = ("IPPool", "FelixConfiguration")  # a running agent has created one of each
_NODE_MARK = "projectcalico.org/"
_OF_FELIX = re.compile(r"default$|node\.")
_MTUS = {"ipip": ("ipipMTU", "ipinipMTU"), "vxlan": ("vxlanMTU",), VXLAN_V6: ("vxlanMTUV6",)}
_IN_CONF = re.compile(r'"mtu"\s*:\s*(\d+)')


class Pools(BaseModel):
    """The pools of pod addresses, and the encapsulation between nodes; `tunnels` are all kinds in use."""

    model_config = ConfigDict(frozen=True)

    networks: tuple[str, ...]
    encapsulation: str
    tunnels: tuple[str, ...]
    told: tuple[str, ...]


def _spec(item: Object) -> Mapping[str, Any]:
    return item.get("spec") or {}


def runs(item: Object, snapshot: Snapshot) -> bool:
    """True if agents of that DaemonSet run, by its status or by the annotations that they write on nodes."""
    marked = any(key.startswith(_NODE_MARK) for node in snapshot.nodes for key in node.annotations)
    return bool((item.get("status") or {}).get("numberReady")) or marked


def no_settings(item: Object, snapshot: Snapshot) -> str:
    """The reason why that Calico's settings cannot be read; empty if they can, or if it never ran."""
    found = [snapshot.calico.get(kind) for kind in _SETTINGS]
    if any(found) or (found != [None, None] and not runs(item, snapshot)):
        return ""
    return (
        f"is there, but the API has no {' and no '.join(_SETTINGS)}, in {OLD} or in {NATIVE}, so neither its pools nor "
        "its data plane nor its policies are known; are they in an etcd of its own? Let it keep them in Kubernetes, or "
        f"install Calico's API server; `kubectl api-resources --api-group={NATIVE}` says what is served"
    )


def default_felix(snapshot: Snapshot) -> Mapping[str, Any]:
    """Felix's settings for the whole cluster."""
    found = snapshot.calico.get("FelixConfiguration", ())
    return next((_spec(each) for each in found if each["metadata"]["name"] == "default"), {})


def every_felix(snapshot: Snapshot) -> list[Mapping[str, Any]]:
    """Felix's settings for the whole cluster and for single nodes; Felix reads no objects with other names."""
    found = snapshot.calico.get("FelixConfiguration", ())
    return [_spec(each) for each in found if _OF_FELIX.match(each["metadata"]["name"])]


def of_environment(environment: Mapping[str, str], name: str) -> str:
    """A setting of Felix in its environment, with names in any letter case; empty if it is not set."""
    wanted = f"FELIX_{name.upper()}"
    return next((text for key, text in environment.items() if key.upper() == wanted and text), "")


def _setting(environment: Mapping[str, str], felix: Mapping[str, Any], name: str) -> Any:
    """A setting of Felix, whose environment overrides its object."""
    return of_environment(environment, name) or felix.get(name)


def whole(found: Any) -> int:
    """A number in Felix's settings; 0 for other text, as Felix ignores it."""
    text = str(found).strip()
    return int(text) if text.isdecimal() else 0


def dataplane_of(environment: Mapping[str, str], snapshot: Snapshot) -> str:
    """The data plane on the nodes: iptables, nftables or ebpf."""
    felix = default_felix(snapshot)
    if str(_setting(environment, felix, "bpfEnabled")).lower() == "true":
        return "ebpf"
    return "nftables" if str(_setting(environment, felix, "nftablesMode")).lower() == "enabled" else "iptables"


def tunnel_of(environment: Mapping[str, str], snapshot: Snapshot) -> tuple[int, int]:
    """(UDP port, VNI) of Calico's VXLAN."""
    felix = default_felix(snapshot)
    port = _setting(environment, felix, "vxlanPort") or _DEFAULT_PORT
    return whole(port) or _DEFAULT_PORT, whole(_setting(environment, felix, "vxlanVNI")) or _DEFAULT_VNI


def mtu_of(environment: Mapping[str, str], snapshot: Snapshot, *, encapsulation: str) -> int | None:
    """The configured MTU in bytes; None if Calico determines it by itself (0, as in its manifests)."""
    names = _MTUS.get(encapsulation, ("vxlanMTU",))
    said = [text for name in names if (text := of_environment(environment, name))]
    objects = [felix.get(name) for felix in every_felix(snapshot) for name in names] if not said else []
    found = [whole(each) for each in (*said, *objects, default_felix(snapshot).get("mtu"))]
    return min((each for each in found if each), default=None)


def cni_mtu(daemon_set: Object, snapshot: Snapshot) -> int | None:
    """The MTU configured for pods alone, in bytes, from the container that installs the CNI conf."""
    spec = daemon_set["spec"]["template"]["spec"]
    settings = [
        environment_of(daemon_set, each, snapshot)
        for each in [*(spec.get("initContainers") or []), *spec["containers"]]
    ]
    found = [each.get("CNI_MTU", "") for each in settings]
    found += [size for each in settings for size in _IN_CONF.findall(each.get("CNI_NETWORK_CONFIG", ""))]
    return min((whole(each) for each in found if whole(each)), default=None)


def pools_of(snapshot: Snapshot) -> Pools | None:
    """The enabled pools; None if there is none yet."""
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
    """Pools from (CIDR, encapsulation, origin); IPv4 first, and the first pool's encapsulation is the cluster's."""
    ordered = sorted(pools, key=lambda pool: ipaddress.ip_network(pool[0], strict=False).version)
    tunnels = [encapsulation for _, encapsulation, _ in ordered if encapsulation != "routes"]
    kinds = [
        VXLAN_V6 if kind == "vxlan" and ":" in cidr else kind
        for cidr, encapsulation, _ in ordered
        if (kind := encapsulation.partition("-")[0]) != "routes"
    ]
    return Pools(
        networks=tuple(cidr for cidr, _, _ in ordered),
        tunnels=tuple(dict.fromkeys(kinds)),
        encapsulation=tunnels[0] if tunnels else "routes",
        told=tuple(f"{where}: {cidr}, {encapsulation}" for cidr, encapsulation, where in ordered),
    )


def bgp_peers_of(snapshot: Snapshot) -> tuple[str, ...]:
    """Routers outside the cluster that Calico speaks BGP with, by name and address."""
    return tuple(
        f"{each['metadata']['name']} ({_spec(each).get('peerIP') or _spec(each).get('peerSelector') or 'its nodes'})"
        for each in snapshot.calico.get("BGPPeer", ())
    )


def peer_addresses(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    """(name of the BGPPeer, its address) of those with an address."""
    for each in snapshot.calico.get("BGPPeer", ()):
        if _spec(each).get("peerIP"):
            yield each["metadata"]["name"], _spec(each)["peerIP"]


def announced_to_peers(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    """(key of the BGPConfiguration, range of Services) that Calico announces to its peers."""
    for item in snapshot.calico.get("BGPConfiguration", ()):
        for key in ("serviceClusterIPs", "serviceExternalIPs", "serviceLoadBalancerIPs"):
            for each in _spec(item).get(key) or []:
                yield key, each["cidr"]


def announced_by(snapshot: Snapshot) -> tuple[str, ...]:
    """Service ranges that Calico announces to its peers."""
    return tuple(network for _, network in announced_to_peers(snapshot))

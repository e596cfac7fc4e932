"""Flannel: recognised by its DaemonSet's program, described by the net-conf.json that the DaemonSet mounts."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from components.operations.removal.source_objects import Belongings
from components.operations.removal.sweep import Sweep
from components.operations.snapshot import Snapshot
from components.sources.description import SourceDescription, SourceError, Tunnel, owners_of
from components.sources.facts.workload import (
    Object,
    conf_on_nodes,
    config_map,
    container_with,
    containers,
    environment,
    image_version,
    link_mtu,
    mounted_config_maps,
    place,
    title,
    words,
)
from components.sources.flannel.embedded import ENCRYPTING
from components.sources.interface import Source
from stacks.settle import VXLAN_V6

KIND = "flannel"
_FILE = "net-conf.json"
_BRIDGE = "cni0"
# Flannel's own defaults (its Documentation/backends.md); WireGuard's is for IPv4, IPv6 takes the next.
_PORTS = {"vxlan": 8472, "udp": 8285, "wireguard": 51820}
_PORT_KEYS = {"vxlan": "port", "udp": "port", "wireguard": "listenport"}
# Back ends that subtract their header from the MTU in the settings, which is that of the underlying device.
_SIZED_BENEATH = ("vxlan", "wireguard")
# With `extension`, custom commands make the network.
_BACKENDS = (
    "vxlan", "host-gw", "udp", "wireguard", "ipsec", "ipip", "aws-vpc", "gce", "ali-vpc", "tencent-vpc", "alloc",
)  # fmt: skip
_DEFAULT_VNI = 1
_SECRET = ("psk",)
_PLUGIN_LEAVES_IT = re.compile(r'"ipMasq"\s*:\s*false')
_NO = ("false", "0", "f", "no")
# Those that have a cloud's own routing table lead to each node's pods.
_CLOUDS = ("aws-vpc", "gce", "ali-vpc", "tencent-vpc")
_NAMED_BRIDGE = re.compile(r'"bridge"\s*:\s*"([^"]+)"')
_ARCHITECTURE = re.compile(r"-(amd64|arm64|arm|ppc64le|s390x)$")
# Before it had chains of its own, its rules were in the built-in ones, recognisable by their comments.
SWEEP = Sweep(
    links=("flannel.*", "flannel-v6.*", "flannel-wg*", "flannel0"),
    chains=("FLANNEL-",),
    comments=("flanneld",),
    conf=("flannel",),
    tables=("flannel-",),
    annotations=("flannel.alpha.coreos.com/",),
)


class Network(BaseModel):
    """The settings in a net-conf.json."""

    model_config = ConfigDict(frozen=True)

    config_map: str
    pod_networks: tuple[str, ...]
    backend: str
    udp_port: int | None
    vni: int | None
    mtu: int | None
    links: tuple[str, ...]
    dataplane: str
    told: str

    @property
    def encryption(self) -> str:
        """The back end's encryption; empty for one without."""
        return self.backend if self.backend in ENCRYPTING else ""


def runs_flannel(container: Object) -> bool:
    """True if the container's program is flanneld."""
    return any(word.rpartition("/")[2] == "flanneld" or "flannel:" in word for word in words(container)) or (
        container.get("name") == "kube-flannel"
    )


def detect(snapshot: Snapshot) -> list[SourceDescription]:
    """Every Flannel on the cluster, usually one. Raises SourceError if one cannot be described.

    Manifests before Kubernetes 1.15 have a DaemonSet for each CPU architecture: together they are one Flannel.
    """
    found: dict[tuple[str, str], list[Object]] = {}
    for item in snapshot.daemon_sets:
        # Canal is Flannel's network under Calico's policies.
        if any(map(runs_flannel, containers(item))) and not container_with(item, "calico"):
            namespace, name = place(item)
            found.setdefault((namespace, _ARCHITECTURE.sub("", name)), []).append(item)
    return [_describe(items, snapshot) for items in found.values()]


def read_network(daemon_set: Object, snapshot: Snapshot, *, who: str) -> Network:
    """The settings in the net-conf.json of a DaemonSet; raises SourceError if there is none, or it is unreadable."""
    namespace, _ = place(daemon_set)
    for name in mounted_config_maps(daemon_set):
        text = config_map(snapshot, namespace, name).get(_FILE)
        if text:
            try:
                found = _read(name, dict(json.loads(text)))
            except (ValueError, TypeError, AttributeError) as error:
                raise SourceError(f"ConfigMap {namespace}/{name}: its {_FILE} cannot be read ({error})") from error
            if found.backend not in _BACKENDS:
                raise SourceError(
                    f"ConfigMap {namespace}/{name}: {who}'s back end is '{found.backend}', by which others make the "
                    "network, so it is unknown; describe it in the config's `source`, with kind 'generic'"
                )
            return found
    raise SourceError(
        f"{who}'s {title(daemon_set)} mounts no ConfigMap with a {_FILE}, so its network is unknown (is it kept in "
        "etcd?); describe it in the config's `source`, with kind 'generic'"
    )


def _read(name: str, settings: Mapping[str, Any]) -> Network:
    said = _in_one_case(settings)
    backend = _in_one_case(said.get("backend") or {})
    kind = str(backend.get("type", "udp")).lower()
    networks = tuple(str(said[key]) for key in ("network", "ipv6network") if said.get(key))
    if said.get("enableipv4") is False:
        networks = tuple(each for each in networks if ":" in each)
    port = int(backend.get(_PORT_KEYS[kind]) or _PORTS[kind]) if kind in _PORTS else None
    vni = int(backend.get("vni") or _DEFAULT_VNI) if kind == "vxlan" else None
    links = {
        "vxlan": (f"flannel.{vni}", f"flannel-v6.{vni}"),
        "wireguard": ("flannel-wg", "flannel-wg-v6"),
        "ipip": ("flannel.ipip",),
        "udp": ("flannel0",),
    }.get(kind, ())
    used = tuple(each for each in links if "v6" not in each or any(":" in network for network in networks))
    return Network(
        config_map=name,
        pod_networks=networks,
        backend=kind,
        udp_port=port,
        vni=vni,
        mtu=int(backend["mtu"]) if backend.get("mtu") else None,
        links=used,
        told=f"{_FILE}: {json.dumps(_shown(settings), sort_keys=True)}",
        dataplane="nftables" if said.get("enablenftables") is True else "iptables",
    )


def _in_one_case(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with lower-case names, as Flannel ignores letter case."""
    return {key.lower(): value for key, value in settings.items()}


def _shown(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _shown(value) if isinstance(value, Mapping) else "***" if key.lower() in _SECRET else value
        for key, value in settings.items()
    }


def tunnels_of(network: Network, snapshot: Snapshot) -> tuple[Tunnel, ...]:
    """IPv6's tunnel beside IPv4's, the pods' bridge if it has that tunnel's MTU, and the underlying device's MTU."""
    beside = [each for each in network.links[1:] if each.startswith("flannel-v6.")]
    sizes = {link_mtu(snapshot, each) for each in beside} - {None, link_mtu(snapshot, *network.links[:1])}
    bridge = [_BRIDGE] if link_mtu(snapshot, _BRIDGE) in sizes else []
    found = [Tunnel(link=each, kind=VXLAN_V6) for each in (*beside, *bridge)]
    if network.mtu and network.backend in _SIZED_BENEATH:
        found.append(Tunnel(link="", kind="routes", mtu=network.mtu))
    return tuple(found)


def _running(item: Object) -> int:
    return int((item.get("status") or {}).get("desiredNumberScheduled") or 0)


def _describe(items: list[Object], snapshot: Snapshot) -> SourceDescription:
    first, *others = sorted(sorted(items, key=place), key=_running, reverse=True)
    namespace, name = place(first)
    network = read_network(first, snapshot, who="Flannel")
    tunnels = tunnels_of(network, snapshot)
    beside = [each.link for each in tunnels]
    named = _NAMED_BRIDGE.search(config_map(snapshot, namespace, network.config_map).get("cni-conf.json", ""))
    bridge = named[1] if named else _BRIDGE  # the default bridge of its plugin, unless another is set
    return SourceDescription(
        kind=KIND,
        title="Flannel",
        namespace=namespace,
        daemon_set=name,
        more_daemon_sets=tuple(place(each)[1] for each in others),
        config_map=network.config_map,
        pod_networks=network.pod_networks,
        encapsulation=network.backend,
        udp_port=network.udp_port,
        vni=network.vni,
        interface=network.links[0] if network.links else "",
        version=next((image_version(each) for each in containers(first) if runs_flannel(each)), ""),
        mtu=network.mtu or link_mtu(snapshot, *(each for each in (*network.links, bridge) if each not in beside)),
        dataplane=network.dataplane,
        owners=owners_of(first),
        links=(*network.links, bridge),
        encryption=network.encryption,
        tunnels=tunnels,
        conf=conf_on_nodes(snapshot, "flannel"),
        evidence=(title(first), f"ConfigMap {namespace}/{network.config_map} {network.told}"),
    )


def belongings(source: SourceDescription) -> tuple[Belongings, ...]:
    """Its objects, and its namespace if that is Flannel's own."""
    return (
        Belongings(
            namespace=source.namespace,
            daemon_sets=(source.daemon_set, *source.more_daemon_sets),
            config_maps=(source.config_map,),
            accounts=(KIND,),
            with_namespace=KIND in source.namespace,
        ),
    )


def sweep(source: SourceDescription) -> Sweep:
    """Its leftovers; interfaces have the VNI in their names, and those of an earlier VNI may be left."""
    bare = tuple(rule for network in source.pod_networks for rule in _bare_rules(network))
    return SWEEP.with_(Sweep(links=source.links, bare=bare, networks=source.pod_networks))


def _bare_rules(network: str) -> tuple[str, ...]:
    """Patterns of its rules in the built-in chains from versions that wrote no comments."""
    own, other = re.escape(network), r"[0-9a-f.:/]+"
    return (
        rf"^-A\sPOSTROUTING\s(!\s)?-s\s{own}\s(!\s)?-d\s{other}\s-j\s(RETURN|MASQUERADE)(\s--random-fully)?$",
        rf"^-A\sFORWARD\s-[sd]\s{own}\s-j\sACCEPT$",
    )


def outgoing(snapshot: Snapshot, source: SourceDescription) -> Iterator[str]:
    """Settings by which its pods keep their own addresses towards others."""
    for item in snapshot.daemon_sets:
        if place(item) in source.daemon_sets:
            yield from unmasqueraded(item, snapshot, nobody_else=False)
    if source.encapsulation in _CLOUDS:
        yield f"Flannel's back end {source.encapsulation} has the cloud route outsiders to pods"


def unmasqueraded(item: Object, snapshot: Snapshot, *, nobody_else: bool) -> Iterator[str]:
    """flanneld masquerades where it is told to; where it is not, Flannel's CNI plugin does, unless told not to.

    Under Canal there is `nobody_else` to do so.
    """
    space, _ = place(item)
    confs = (config_map(snapshot, space, name).get("cni-conf.json", "") for name in mounted_config_maps(item))
    nobody_else = nobody_else or any(map(_PLUGIN_LEAVES_IT.search, confs))
    for each in filter(runs_flannel, containers(item)) if nobody_else else ():
        given = " ".join([*(each.get("command") or []), *(each.get("args") or [])]).split()
        flags = [word.lstrip("-").partition("=") for word in given if word.startswith("-")]
        said = [value or "true" for name, _, value in flags if name == "ip-masq"]
        said += [environment(item, each, snapshot).get("FLANNELD_IP_MASQ", "")]
        if all(value.lower() in ("", *_NO) for value in said):
            yield f"nobody masquerades what pods of {title(item)}'s network send: flanneld runs without --ip-masq"


SOURCE = Source(kind=KIND, detect=detect, belongings=belongings, sweep=sweep, outgoing=outgoing)

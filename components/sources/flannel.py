"""Flannel: recognised by its DaemonSet's program, described by the net-conf.json that the DaemonSet mounts."""

import json
import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from components.operations.snapshot import Snapshot
from components.operations.source_objects import Belongings
from components.operations.sweep import Sweep
from components.sources.description import SourceDescription, SourceError, owners_of
from components.sources.interface import Source
from components.sources.workload import (
    Object,
    conf_on_nodes,
    config_map,
    container_with,
    containers,
    image_version,
    link_mtu,
    mounted_config_maps,
    place,
    title,
    words,
)

KIND = "flannel"
_FILE = "net-conf.json"
# Flannel's own defaults (its Documentation/backends.md); WireGuard's is for IPv4, IPv6 takes the next.
_PORTS = {"vxlan": 8472, "udp": 8285, "wireguard": 51820}
_PORT_KEYS = {"vxlan": "Port", "udp": "Port", "wireguard": "ListenPort"}
_DEFAULT_VNI = 1
_ARCHITECTURE = re.compile(r"-(amd64|arm64|arm|ppc64le|s390x)$")
SWEEP = Sweep(links=("cni0",), chains=("FLANNEL-",), conf=("flannel",), annotations=("flannel.alpha.coreos.com/",))


class Network(BaseModel):
    """What a net-conf.json says."""

    model_config = ConfigDict(frozen=True)

    config_map: str
    pod_networks: tuple[str, ...]
    backend: str
    udp_port: int | None
    vni: int | None
    mtu: int | None
    links: tuple[str, ...]
    told: str


def runs_flannel(container: Object) -> bool:
    """Whether the container's program is flanneld."""
    return any(word.rpartition("/")[2] == "flanneld" or "flannel:" in word for word in words(container)) or (
        container.get("name") == "kube-flannel"
    )


def detect(snapshot: Snapshot) -> list[SourceDescription]:
    """Every Flannel that the cluster runs: one, as a rule. Raises SourceError if one cannot be described.

    Manifests before Kubernetes 1.15 have a DaemonSet for each processor architecture: together they are one Flannel.
    """
    found: dict[tuple[str, str], list[Object]] = {}
    for item in snapshot.daemon_sets:
        # Canal is Flannel's network under Calico's policies.
        if any(map(runs_flannel, containers(item))) and not container_with(item, "calico"):
            namespace, name = place(item)
            found.setdefault((namespace, _ARCHITECTURE.sub("", name)), []).append(item)
    return [_describe(items, snapshot) for items in found.values()]


def read_network(daemon_set: Object, snapshot: Snapshot, *, who: str) -> Network:
    """What the net-conf.json of a DaemonSet says; raises SourceError where it has none, or none that can be read."""
    namespace, _ = place(daemon_set)
    for name in mounted_config_maps(daemon_set):
        text = config_map(snapshot, namespace, name).get(_FILE)
        if text:
            try:
                return _read(name, dict(json.loads(text)))
            except (ValueError, TypeError) as error:
                raise SourceError(f"ConfigMap {namespace}/{name}: its {_FILE} cannot be read ({error})") from error
    raise SourceError(
        f"{who}'s {title(daemon_set)} mounts no ConfigMap with a {_FILE}, so its network is unknown (is it kept in "
        "etcd?); describe it in the config's `source`, with kind 'generic'"
    )


def _read(name: str, settings: Mapping[str, Any]) -> Network:
    backend = settings.get("Backend") or {}
    kind = str(backend.get("Type", "udp")).lower()
    networks = tuple(str(settings[key]) for key in ("Network", "IPv6Network") if settings.get(key))
    if settings.get("EnableIPv4") is False:
        networks = tuple(each for each in networks if ":" in each)
    port = int(backend.get(_PORT_KEYS[kind]) or _PORTS[kind]) if kind in _PORTS else None
    vni = int(backend.get("VNI") or _DEFAULT_VNI) if kind == "vxlan" else None
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
        mtu=int(backend["MTU"]) if backend.get("MTU") else None,
        links=used,
        told=f"{_FILE}: {json.dumps(settings, sort_keys=True)}",
    )


def _running(item: Object) -> int:
    return int((item.get("status") or {}).get("desiredNumberScheduled") or 0)


def _describe(items: list[Object], snapshot: Snapshot) -> SourceDescription:
    first, *others = sorted(sorted(items, key=place), key=_running, reverse=True)
    namespace, name = place(first)
    network = read_network(first, snapshot, who="Flannel")
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
        mtu=network.mtu or link_mtu(snapshot, *network.links, "cni0"),
        owners=owners_of(first),
        links=(*network.links, "cni0"),
        conf=conf_on_nodes(snapshot, "flannel"),
        evidence=(title(first), f"ConfigMap {namespace}/{network.config_map} {network.told}"),
    )


def belongings(source: SourceDescription) -> tuple[Belongings, ...]:
    """Its namespace goes with it where it is Flannel's own."""
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
    """Its interfaces have its network's number in their names."""
    return SWEEP.with_(Sweep(links=source.links))


SOURCE = Source(kind=KIND, detect=detect, belongings=belongings, sweep=sweep)

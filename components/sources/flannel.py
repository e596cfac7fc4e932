"""Flannel: recognised by its DaemonSet's program, described by the net-conf.json that the DaemonSet mounts."""

import json
from collections.abc import Mapping
from typing import Any

from components.operations.snapshot import Snapshot
from components.sources.description import SourceDescription, SourceError

_DEFAULT_VXLAN_PORT = 8472
_DEFAULT_VNI = 1


def _runs_flannel(daemon_set: Mapping[str, Any]) -> bool:
    containers = daemon_set["spec"]["template"]["spec"]["containers"]
    words = [word for each in containers for word in [each.get("image", ""), *(each.get("command") or [])]]
    if any("calico" in word for word in words):
        return False  # Canal: Flannel's network under Calico's policies
    return any(word.endswith("/flanneld") or "/flannel:" in word for word in words)


def _settings(daemon_set: Mapping[str, Any], snapshot: Snapshot) -> tuple[str, dict[str, Any]]:
    namespace, name = daemon_set["metadata"]["namespace"], daemon_set["metadata"]["name"]
    for volume in daemon_set["spec"]["template"]["spec"].get("volumes") or []:
        wanted = (volume.get("configMap") or {}).get("name")
        for item in snapshot.config_maps:
            if (item["metadata"]["namespace"], item["metadata"]["name"]) != (namespace, wanted):
                continue
            text = (item.get("data") or {}).get("net-conf.json")
            if text:
                return str(wanted), dict(json.loads(text))
    raise SourceError(
        f"Flannel's DaemonSet {namespace}/{name} mounts no ConfigMap with a net-conf.json, so its network is unknown"
    )


def detect(snapshot: Snapshot) -> list[SourceDescription]:
    """Every Flannel that the cluster runs: one, as a rule. Raises SourceError if one cannot be described."""
    return [_describe(each, snapshot) for each in snapshot.daemon_sets if _runs_flannel(each)]


def _describe(daemon_set: Mapping[str, Any], snapshot: Snapshot) -> SourceDescription:
    namespace, name = daemon_set["metadata"]["namespace"], daemon_set["metadata"]["name"]
    config_map, settings = _settings(daemon_set, snapshot)
    backend = settings.get("Backend") or {}
    kind = str(backend.get("Type", "udp")).lower()
    vxlan = kind == "vxlan"
    port = int(backend.get("Port") or _DEFAULT_VXLAN_PORT) if vxlan else None
    vni = int(backend.get("VNI") or _DEFAULT_VNI) if vxlan else None
    return SourceDescription(
        kind="flannel",
        title="Flannel",
        namespace=namespace,
        daemon_set=name,
        config_map=config_map,
        pod_networks=tuple(settings[key] for key in ("Network", "IPv6Network") if settings.get(key)),
        encapsulation=kind,
        udp_port=port,
        vni=vni,
        interface=f"flannel.{vni}" if vxlan else "",
        evidence=(
            f"DaemonSet {namespace}/{name}",
            f"ConfigMap {namespace}/{config_map} net-conf.json: {json.dumps(settings, sort_keys=True)}",
        ),
    )

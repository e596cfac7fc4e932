"""What a DaemonSet's pod template tells of the CNI that it runs: programs, images, settings."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from components.operations.snapshot import Snapshot

Object = Mapping[str, Any]
_TAG = re.compile(r":v?(\d+\.\d+(?:\.\d+)?)")


def place(item: Object) -> tuple[str, str]:
    """Namespace and name."""
    return item["metadata"]["namespace"], item["metadata"]["name"]


def title(item: Object) -> str:
    """The DaemonSet in an operator's words."""
    return f"DaemonSet {'/'.join(place(item))}"


def containers(item: Object) -> list[Object]:
    """The containers that keep running; those that only start are left out."""
    return list(item["spec"]["template"]["spec"].get("containers") or [])


def words(container: Object) -> Iterator[str]:
    """Image, name, command and arguments: where a program's name can stand."""
    yield container.get("image", "")
    yield container.get("name", "")
    yield from container.get("command") or []
    yield from container.get("args") or []


def container_with(item: Object, *programs: str) -> Object | None:
    """The first container in whose image, name or command one of the programs stands."""
    for each in containers(item):
        if any(program in word for word in words(each) for program in programs):
            return each
    return None


def image_version(container: Object) -> str:
    """The version in the image's tag; empty where there is none, as with a digest."""
    found = _TAG.search(container.get("image", "").rpartition("/")[2])
    return found[1] if found else ""


def config_map(snapshot: Snapshot, namespace: str, name: str) -> Mapping[str, str]:
    """The data of a ConfigMap that a DaemonSet uses; nothing where there is none."""
    for item in snapshot.config_maps:
        if place(item) == (namespace, name):
            return item.get("data") or {}
    return {}


def environment(item: Object, container: Object, snapshot: Snapshot) -> dict[str, str]:
    """The container's environment as far as it can be read: plain values, and those from ConfigMaps."""
    namespace, _ = place(item)
    found: dict[str, str] = {}
    for source in container.get("envFrom") or []:
        if "configMapRef" in source:
            found |= config_map(snapshot, namespace, source["configMapRef"].get("name", ""))
    for each in container.get("env") or []:
        reference = (each.get("valueFrom") or {}).get("configMapKeyRef")
        if reference:
            found[each["name"]] = config_map(snapshot, namespace, reference.get("name", "")).get(reference["key"], "")
        elif "valueFrom" not in each:
            found[each["name"]] = str(each.get("value") or "")
    return found


def mounted_config_maps(item: Object) -> list[str]:
    """Names of the ConfigMaps that the pods mount."""
    volumes = item["spec"]["template"]["spec"].get("volumes") or []
    return [each["configMap"]["name"] for each in volumes if (each.get("configMap") or {}).get("name")]


def conf_on_nodes(snapshot: Snapshot, *hints: str) -> tuple[str, ...]:
    """CNI conf files that were seen on nodes and have one of the hints in their names."""
    names = {name.removesuffix(".cilium_bak") for facts in snapshot.facts.values() for name in facts.cni_conf}
    return tuple(sorted(name for name in names if any(hint in name for hint in hints)))


def link_mtu(snapshot: Snapshot, *links: str) -> int | None:
    """The smallest MTU, in bytes, that the links have on the nodes that were looked at; None if none was seen."""
    seen = [facts.interfaces[link] for facts in snapshot.facts.values() for link in links if link in facts.interfaces]
    return min(seen, default=None)

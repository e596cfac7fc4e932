"""Facts about a CNI in its DaemonSet's pod template: programs, images, settings."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from components.operations.snapshot import Snapshot

Object = Mapping[str, Any]
_TAG = re.compile(r":v?(\d+\.\d+(?:\.\d+)?)")


def place(item: Object) -> tuple[str, str]:
    """Namespace and name."""
    return item["metadata"]["namespace"], item["metadata"]["name"]


def title(item: Object) -> str:
    """The DaemonSet's name for messages."""
    return f"DaemonSet {'/'.join(place(item))}"


_SYSTEMS = ("kubernetes.io/os", "beta.kubernetes.io/os")
_LINUX = "linux"


def for_linux(snapshot: Snapshot) -> Snapshot:
    """The cluster without DaemonSets for Windows nodes only, which a migration leaves as they are."""
    return replace(snapshot, daemon_sets=tuple(each for each in snapshot.daemon_sets if may_run_on_linux(each)))


def may_run_on_linux(item: Object) -> bool:
    """True if a DaemonSet's pods may run on Linux nodes, by their `os`, node selector and node affinity."""
    spec = item["spec"]["template"]["spec"]
    selector = spec.get("nodeSelector") or {}
    named = [(spec.get("os") or {}).get("name"), *(selector.get(key) for key in _SYSTEMS)]
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    terms = (affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}).get("nodeSelectorTerms") or []
    return all(each in (None, _LINUX) for each in named) and (not terms or any(map(_lets_linux, terms)))


def _lets_linux(term: Object) -> bool:
    """True if a term of a node affinity can match a Linux node."""
    of_system = [each for each in term.get("matchExpressions") or [] if each.get("key") in _SYSTEMS]
    return all(
        (_LINUX in (each.get("values") or [])) == (each["operator"] == "In")
        for each in of_system
        if each["operator"] in ("In", "NotIn")
    )


def containers(item: Object) -> list[Object]:
    """The containers that keep running; init containers are left out."""
    return list(item["spec"]["template"]["spec"].get("containers") or [])


def all_containers(item: Object) -> list[Object]:
    """All containers, init containers first."""
    spec = item["spec"]["template"]["spec"]
    return [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]


def words(container: Object) -> Iterator[str]:
    """Image, name, command and arguments, any of which may contain a program's name."""
    yield container.get("image", "")
    yield container.get("name", "")
    yield from container.get("command") or []
    yield from container.get("args") or []


def container_with(item: Object, *programs: str) -> Object | None:
    """The first container with one of the programs in its image, name or command."""
    for each in containers(item):
        if any(program in word for word in words(each) for program in programs):
            return each
    return None


def image_version(container: Object) -> str:
    """The version in the image's tag; empty if there is none, as with a digest."""
    found = _TAG.search(container.get("image", "").rpartition("/")[2])
    return found[1] if found else ""


def config_map(snapshot: Snapshot, namespace: str, name: str) -> Mapping[str, str]:
    """The data of a ConfigMap that a DaemonSet uses; empty if it does not exist."""
    for item in snapshot.config_maps:
        if place(item) == (namespace, name):
            return item.get("data") or {}
    return {}


def environment(item: Object, container: Object, snapshot: Snapshot) -> dict[str, str]:
    """The readable part of the container's environment: plain values, and those from ConfigMaps."""
    namespace, _ = place(item)
    found: dict[str, str] = {}
    for source in container.get("envFrom") or []:
        if "configMapRef" in source:
            data = config_map(snapshot, namespace, source["configMapRef"].get("name", ""))
            found |= {f"{source.get('prefix') or ''}{key}": text for key, text in data.items()}
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
    """CNI conf files on nodes with one of the hints in their names, or in the name of their first plugin.

    The first plugin makes the pod's interface; others, such as a mesh's, are chained to it.
    """
    found = {
        name.removesuffix(".cilium_bak")
        for facts in snapshot.facts.values()
        for name in facts.cni_conf
        for known in (name, *(facts.cni_plugins or {}).get(name, ())[:1])
        if any(hint in known for hint in hints)
    }
    return tuple(sorted(found))


def smallest(*sizes: int | None) -> int | None:
    """The smallest of the known sizes."""
    return min((each for each in sizes if each), default=None)


def link_mtu(snapshot: Snapshot, *links: str) -> int | None:
    """The smallest MTU of the links on the inspected nodes, in bytes; None if none was seen."""
    seen = [facts.interfaces[link] for facts in snapshot.facts.values() for link in links if link in facts.interfaces]
    return min(seen, default=None)

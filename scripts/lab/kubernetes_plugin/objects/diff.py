"""Differences between two sets of inputs, by path, and those that need a new object."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from scripts.lab.kubernetes_plugin.protocol.tokens import Kind
from scripts.lab.kubernetes_plugin.settings import Settings

Path = tuple[str | int, ...]


class Change(Enum):
    """Kinds of change at one path."""

    ADD = "ADD"
    DELETE = "DELETE"
    UPDATE = "UPDATE"


@dataclass(frozen=True)
class Difference:
    """One changed path; with `replaces` the change needs a new object."""

    path: Path
    change: Change
    replaces: bool = False


_IDENTITY = ("metadata.name", "metadata.namespace", "apiVersion", "kind")
_SELECTOR = ("spec.selector",)
# By group and kind: the paths at or below which a change needs a new object.
_IMMUTABLE: dict[tuple[str, str], tuple[str, ...]] = {
    ("apps", "Deployment"): _SELECTOR,
    ("apps", "DaemonSet"): _SELECTOR,
    ("apps", "ReplicaSet"): _SELECTOR,
    ("apps", "StatefulSet"): (
        "spec.podManagementPolicy",
        "spec.selector",
        "spec.serviceName",
        "spec.volumeClaimTemplates",
    ),
    ("batch", "Job"): ("spec.completions", "spec.parallelism", "spec.selector", "spec.template"),
    ("rbac.authorization.k8s.io", "RoleBinding"): ("roleRef",),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): ("roleRef",),
    ("storage.k8s.io", "StorageClass"): ("parameters", "provisioner"),
    ("", "ConfigMap"): ("binaryData", "data"),
    ("", "Secret"): ("type", "stringData", "data"),
    ("", "Service"): ("spec.clusterIP",),
    ("", "ResourceQuota"): ("spec.scopes",),
    ("", "PersistentVolumeClaim"): ("spec",),
    ("", "Pod"): ("spec",),
}
_QUANTITIES = frozenset({"limits", "requests", "capacity", "hard", "sizeLimit", "overhead"})
_SCALES = {"": 1.0, "n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
           "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50, "Ei": 2.0**60}  # fmt: skip


def immutable_places(kind: Kind, settings: Settings, *, is_patch: bool, marked_immutable: bool) -> tuple[str, ...]:
    """The paths at which a change needs a new object of this kind; for a patch only those that name its object."""
    if is_patch:
        return _IDENTITY
    mutable_by_setting = {"ConfigMap": settings.enable_config_map_mutable, "Secret": settings.enable_secret_mutable}
    if kind.group == "" and mutable_by_setting.get(kind.name) and not marked_immutable:
        return _IDENTITY
    return (*_IDENTITY, *_IMMUTABLE.get((kind.group, kind.name), ()))


def differences(old: Mapping[str, Any], new: Mapping[str, Any], *, immutable: Iterable[str] = ()) -> list[Difference]:
    """Every path that differs, with True if it is immutable."""
    found = _compare((), dict(old), dict(new))
    return [Difference(each.path, each.change, replaces=_lies_in(each.path, immutable)) for each in found]


def same(old: Any, new: Any, *, path: Path = ()) -> bool:
    """True if two values are equal for the API server, which rewrites quantities (1000m becomes 1)."""
    if old == new and isinstance(old, bool) == isinstance(new, bool):
        return True
    if not _QUANTITIES.intersection(path):
        return False
    first, second = _quantity(old), _quantity(new)
    return first is not None and first == second


def _compare(path: Path, old: Any, new: Any) -> list[Difference]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return [each for key in sorted({*old, *new}) for each in _entry((*path, key), old, new, key)]
    if isinstance(old, list) and isinstance(new, list):
        longest = range(max(len(old), len(new)))
        first, second = dict(enumerate(old)), dict(enumerate(new))
        return [each for index in longest for each in _entry((*path, index), first, second, index)]
    return [] if same(old, new, path=path) else [Difference(path, Change.UPDATE)]


def _entry(path: Path, old: Mapping[Any, Any], new: Mapping[Any, Any], key: str | int) -> list[Difference]:
    if old.get(key) is None and new.get(key) is None:
        return []
    if old.get(key) is None:
        return [Difference(path, Change.ADD)]
    if new.get(key) is None:
        return [Difference(path, Change.DELETE)]
    return _compare(path, old[key], new[key])


def _lies_in(path: Path, places: Iterable[str]) -> bool:
    dotted = ".".join(str(part) for part in path if isinstance(part, str))
    # A change above an immutable path (all of spec removed) changes that path too.
    return any(f"{dotted}.".startswith(f"{place}.") or place.startswith(f"{dotted}.") for place in places)


def _quantity(value: Any) -> float | None:
    match = re.fullmatch(r"([0-9.]+)(m|u|n|[kMGTPE]i?|Ki)?", str(value))
    return float(match[1]) * _SCALES[match[2] or ""] if match else None


def property_path(path: Path) -> str:
    """The path as Pulumi writes it: `spec.containers[0].image`, `metadata.labels["app.kubernetes.io/name"]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif re.search(r'[."\[\]]', part):
            escaped = part.replace('"', '\\"')
            text += f'["{escaped}"]'
        else:
            text += f".{part}" if text else part
    return text


def parse_path(text: str) -> Path:
    """The path in Pulumi's notation."""
    parts: list[str | int] = []
    for quoted, index, plain in re.findall(r'\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.\["]+)', text):
        parts.append(int(index) if index else quoted.replace('\\"', '"') or plain)
    return tuple(parts)


def prune(live: Any, wanted: Any, *, path: Path = ()) -> Any:
    """The live object reduced to the paths in `wanted`; the rest belongs to the server or to others.

    Items of a list are matched by their `name` if they have one, as the server and others add to such lists.
    """
    if isinstance(live, Mapping) and isinstance(wanted, Mapping):
        return {key: prune(live[key], item, path=(*path, key)) for key, item in wanted.items() if key in live}
    if isinstance(live, list) and isinstance(wanted, list):
        return [prune(found, item, path=path) for item, found in _paired(live, wanted)]
    return wanted if same(wanted, live, path=path) else live


def _paired(live: list[Any], wanted: list[Any]) -> Iterable[tuple[Any, Any]]:
    named = {item["name"]: item for item in live if isinstance(item, Mapping) and "name" in item}
    for index, item in enumerate(wanted):
        if isinstance(item, Mapping) and "name" in item:
            if item["name"] in named:
                yield item, named[item["name"]]
        elif index < len(live):
            yield item, live[index]

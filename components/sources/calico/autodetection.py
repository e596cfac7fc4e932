"""Calico's address autodetection methods, read from the environment of the agents' DaemonSet."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from components.sources.calico.detection_methods import FIRST_FOUND
from components.sources.facts.workload import Object

# The kubelet's expansion of a value: an unset name stays as it is, and `$$` is a dollar.
_REFERENCE = re.compile(r"\$\$|\$\((\w+)\)")
_NOT_READABLE = "not readable: "


def as_before(container: Object, noted: Mapping[str, Any]) -> Object:
    """The container with the recorded earlier values of its variables."""
    kept = [each for each in container.get("env") or [] if each["name"] not in noted]
    return {**container, "env": [*kept, *(each for each in noted.values() if each)]}


def methods_of(container: Object, settings: Mapping[str, str], *, dual_stack: bool = True) -> tuple[str, str]:
    """(IPv4's method, IPv6's), each empty if no address is detected; `settings` is the container's environment.

    IPv6 autodetection is off by default; IPv4's is on for a node without an address. An unreadable IPv6 method counts
    only in a `dual_stack` cluster.
    """
    read = _values(container, settings)
    v4 = _method(read, address="IP", method="IP_AUTODETECTION_METHOD", looked_for=("autodetect", ""))
    v6 = _method(read, address="IP6", method="IP6_AUTODETECTION_METHOD", looked_for=("autodetect",))
    return v4, "" if v6.startswith(_NOT_READABLE) and not dual_stack else v6


def _method(read: Mapping[str, str | None], *, address: str, method: str, looked_for: tuple[str, ...]) -> str:
    hidden = None if "" in read else ""
    given = read.get(address, hidden)
    if given is not None and given not in looked_for:
        return ""
    found = read.get(method, hidden)
    if given is None or found is None:
        return f"{_NOT_READABLE}{address if given is None else method} comes from elsewhere"
    return found or FIRST_FOUND


def _values(container: Object, settings: Mapping[str, str]) -> dict[str, str | None]:
    """Each variable's value after the kubelet's expansion; None for one from a Secret or another unreadable source.

    Values from the pod's fields stay as $(FIELD). An empty name stands for the variables of a whole Secret.
    """
    entries = container.get("env") or []
    named = {each["name"] for each in entries}
    hidden = {each["name"] for each in entries if _is_hidden(each.get("valueFrom") or {})}
    found: dict[str, str | None] = {name: text for name, text in settings.items() if name not in named}
    if any("secretRef" in each for each in container.get("envFrom") or []):
        found[""] = None
    for each in entries:
        source = each.get("valueFrom") or {}
        if "fieldRef" in source:
            found[each["name"]] = f"$({source['fieldRef'].get('fieldPath', each['name'])})"
        elif "configMapKeyRef" in source:
            found[each["name"]] = settings.get(each["name"], "")
        else:
            found[each["name"]] = None if source else _expanded(str(each.get("value") or ""), found, hidden=hidden)
    return found


def _is_hidden(source: Object) -> bool:
    return bool(source) and not source.keys() & {"fieldRef", "configMapKeyRef"}


def _expanded(text: str, before: Mapping[str, str | None], *, hidden: Collection[str]) -> str | None:
    """The text with the variables defined before it expanded; None if one of these cannot be read."""
    names = {found[1] for found in _REFERENCE.finditer(text) if found[1]}
    if names & set(hidden) or any(before.get(name, "" if "" not in before else None) is None for name in names):
        return None
    return _REFERENCE.sub(lambda found: "$" if found[1] is None else str(before.get(found[1], found[0])), text)

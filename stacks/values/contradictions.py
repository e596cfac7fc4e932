"""What the user set that the method cannot work with."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stacks.settle import Cilium
from stacks.values.built import final_values, migration_values
from stacks.values.method import final_method, migration_method
from stacks.values.tree import value_at


@dataclass(frozen=True, kw_only=True)
class Contradiction:
    """One setting, as it is found and as it must be, in words; `place` is the part of the config that has it."""

    path: str
    wanted: str
    found: str
    reason: str
    place: str = "cilium.values"


def contradictions(cilium: Cilium) -> list[Contradiction]:
    """Of both sets of values, each path once."""
    found: dict[str, Contradiction] = {}
    for fault in _all(cilium):
        found.setdefault(fault.path, fault)
    return list(found.values())


def _all(cilium: Cilium) -> Iterator[Contradiction]:
    for method, values in (
        (migration_method(cilium), migration_values(cilium)),
        (final_method(cilium), final_values(cilium)),
    ):
        for setting in method:
            actual = value_at(values, setting.path)
            if setting.needed and actual != setting.value:
                yield Contradiction(
                    path=setting.path,
                    wanted=repr(setting.value),
                    found=repr(actual),
                    reason=setting.instead or setting.reason,
                )
        yield from _limits(cilium, values)
    if cilium.installed_pool and cilium.pod_cidr != cilium.installed_pool:
        yield Contradiction(
            path="cilium.podCidr",
            wanted=f"'{cilium.installed_pool}'",
            found=f"'{cilium.pod_cidr}'",
            reason="Cilium runs with that pool, and a pool cannot be changed (cilium#27164)",
            place="the config",
        )


def _limits(cilium: Cilium, values: Mapping[str, Any]) -> Iterator[Contradiction]:
    """Values that the user is free to set, but not to anything."""
    mtu = value_at(values, "MTU")
    if isinstance(mtu, int) and cilium.largest_mtu and mtu > cilium.largest_mtu:
        yield Contradiction(
            path="MTU",
            wanted=f"{cilium.largest_mtu} at most",
            found=repr(mtu),
            reason="it is the devices' own, without the tunnel's header; larger packets would be lost on the way",
        )
    named = _names(value_at(values, "devices"))
    theirs = [each for each in cilium.old_links if each in named]
    if theirs:
        yield Contradiction(
            path="devices",
            wanted="the nodes' own devices",
            found=repr(value_at(values, "devices")),
            reason=f"{' and '.join(theirs)} is the old network's tunnel and goes with it",
        )
    chaining = value_at(values, "cni.chainingMode")
    if chaining not in (None, "none", "portmap"):
        yield Contradiction(
            path="cni.chainingMode",
            wanted="'none' or 'portmap'",
            found=repr(chaining),
            reason=f"chained to '{chaining}', Cilium makes no network of its own to move to",
        )


def _names(devices: object) -> list[str]:
    if isinstance(devices, str):
        return devices.replace(",", " ").split()
    return [str(each) for each in devices] if isinstance(devices, list | tuple) else []

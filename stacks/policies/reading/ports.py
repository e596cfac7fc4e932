"""Protocols and ports of a rule, parsed from Calico's and from Kubernetes' form."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from stacks.policies.model import Ports, Range
from stacks.policies.reasons import InexpressibleError

Object = Mapping[str, Any]
_NUMBERS = {"1": "ICMP", "6": "TCP", "17": "UDP", "58": "ICMPV6", "132": "SCTP"}
_WITH_PORTS = ("TCP", "UDP", "SCTP")
_RANGE = re.compile(r"(\d{1,5}):(\d{1,5})")
_LAST = 65535


def protocol(written: str | int | None) -> str:
    """The protocol's name in capitals; empty for any."""
    name = str(written or "").upper()
    return _NUMBERS.get(name, name)


def of_calico(rule: Object, *, sctp: bool) -> Ports:
    """The traffic that a Calico rule matches. Raises InexpressibleError."""
    there = rule.get("destination") or {}
    name = protocol(rule.get("protocol"))
    if rule.get("notProtocol") or rule.get("notICMP"):
        raise InexpressibleError("notProtocol and notICMP: Cilium has no rule for all protocols but one")
    if name in ("ICMP", "ICMPV6"):
        return _icmp(name, rule.get("icmp") or {})
    known(name, sctp=sctp)
    if rule.get("icmp"):
        raise InexpressibleError(f"an ICMP type with protocol {name or 'any'}")
    wanted, refused = there.get("ports") or [], there.get("notPorts") or []
    if (wanted or refused) and name not in _WITH_PORTS:
        raise InexpressibleError("ports of no particular protocol: name TCP, UDP or SCTP")
    ranges, names = _split(wanted)
    if wanted and not ranges and not names:
        raise InexpressibleError("port 0 alone: no packet has it; take the rule away")
    if refused:
        away, named = _split(refused)
        if named:
            raise InexpressibleError(f"notPorts by name ({', '.join(named)}): say them by number")
        if names:
            raise InexpressibleError("notPorts together with ports by name: say them by number")
        ranges = _without(ranges or [(1, _LAST)], away)
        if not ranges:
            raise InexpressibleError("notPorts leave no port at all: the rule never matches; take it away")
    return Ports(protocol=name, ranges=tuple(ranges), names=tuple(names))


def known(name: str, *, sctp: bool) -> None:
    """Check the protocol; raises InexpressibleError for one that Cilium's policies do not have."""
    if name == "SCTP" and not sctp:
        raise InexpressibleError("protocol SCTP: set the Helm value sctp.enabled in cilium.values")
    if name and name not in _WITH_PORTS:
        raise InexpressibleError(f"protocol {name}: Cilium's policies know TCP, UDP, SCTP and ICMP by type")


def _icmp(name: str, said: Object) -> Ports:
    if said.get("type") is None:
        raise InexpressibleError(f"every type of {name}: Cilium takes them one by one; name them, such as 8 for echo")
    if said.get("code") is not None:
        raise InexpressibleError(f"{name} by code: Cilium looks at the type alone")
    return Ports(protocol=name, icmp_type=int(said["type"]))


def of_kubernetes(ports: Sequence[Object], *, sctp: bool) -> list[Ports]:
    """The traffic that a rule of a Kubernetes NetworkPolicy matches. Raises InexpressibleError."""
    found = []
    for each in ports:
        name = protocol(each.get("protocol")) or "TCP"
        known(name, sctp=sctp)
        port = each.get("port")
        if port is None:
            found.append(Ports(protocol=name))
        elif str(port).isdigit():
            found.append(Ports(protocol=name, ranges=((int(port), int(each.get("endPort") or port)),)))
        else:
            found.append(Ports(protocol=name, names=(str(port),)))
    return found or [Ports()]


def _split(ports: Iterable[str | int]) -> tuple[list[Range], list[str]]:
    ranges: list[Range] = []
    names: list[str] = []
    for port in map(str, ports):
        between = _RANGE.fullmatch(port)
        if between:
            ranges.append((int(between[1]), int(between[2])))
        elif port.isdigit():
            ranges.append((int(port), int(port)))
        else:
            names.append(port)
    for low, high in ranges:
        if not 0 <= low <= high <= _LAST:
            raise InexpressibleError(f"ports {low}:{high} are no range")
    # To Cilium port 0 means every port; no packet has it.
    return [(max(low, 1), high) for low, high in ranges if high], names


def _without(ranges: Iterable[Range], away: Iterable[Range]) -> list[Range]:
    left = list(ranges)
    for low, high in away:
        left = [
            part
            for first, last in left
            for part in ((first, min(last, low - 1)), (max(first, high + 1), last))
            if part[0] <= part[1]
        ]
    return list(dict.fromkeys(left))

"""Validation of records and pasts: a truncated line, or one of another program, is rejected.

Used by both readers: a probe that inherits a line, and the program that reads the logs.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import json
import math
import zlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from .ledger import LATENCY_BOUNDS_MS

KINDS = ("pod-http", "pod-full", "pod-echo", "service-http", "service-echo", "dns", "api")
_LONGEST_TEXT = 2000
_MOST_ITEMS = 1000
_MOST_PAST_BYTES = 1 << 20  # a few kilobytes of zlib can expand to megabytes
_LARGEST = 1 << 53
_BUCKETS = len(LATENCY_BOUNDS_MS) + 1
_Fits = Callable[[Any], bool]


def _text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST_TEXT


def _address(value: Any) -> bool:
    """True for a pod's address, or an empty text if none is known."""
    return isinstance(value, str) and (not value or _is_address(value))


@lru_cache(maxsize=4096)
def _is_address(text: str) -> bool:
    try:
        return bool(ipaddress.ip_address(text))
    except ValueError:
        return False


def _count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= _LARGEST


def _counts(length: int) -> _Fits:
    """A validator of a list of that many counts."""

    def every(value: Any) -> bool:
        if not isinstance(value, list) or len(value) != length or set(map(type, value)) != {int}:
            return False
        return bool(min(value) >= 0 and max(value) <= _LARGEST)

    return every


def _number(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value <= _LARGEST and math.isfinite(value)


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _one(value: Any) -> bool:
    return type(value) is int and value == 1


def _kind(value: Any) -> bool:
    return isinstance(value, str) and value in KINDS


def _list(fits: _Fits, *, length: int | None = None) -> _Fits:
    def every(value: Any) -> bool:
        if not isinstance(value, list) or len(value) > _MOST_ITEMS or length not in (None, len(value)):
            return False
        return all(map(fits, value))

    return every


def _by(key: _Fits, fits: _Fits) -> _Fits:
    def every(value: Any) -> bool:
        if not isinstance(value, dict) or len(value) > _MOST_ITEMS:
            return False
        return all(key(each) for each in value) and all(map(fits, value.values()))

    return every


def _fields(needed: Mapping[str, _Fits], other: Mapping[str, _Fits]) -> _Fits:
    every = {**needed, **other}

    def fit(value: Any) -> bool:
        if not isinstance(value, dict) or not needed.keys() <= value.keys() <= every.keys():
            return False
        return all(every[key](each) for key, each in value.items())

    return fit


def _to_a_pod(fits: _Fits) -> _Fits:
    """A validator that demands an address of flows to pods; others may have a name."""
    return lambda value: fits(value) and (not value["kind"].startswith("pod-") or _address(value["to"]))


_ORIGIN = {"pod": _text, "node": _text, "ip": _address, "run": _text}
_FLOW = _to_a_pod(
    _fields(
        {"kind": _kind, "to": _text, "sent": _count, "latency": _counts(_BUCKETS)},
        {"failed": _count, "planned": _count, "gap": _number, "planned_gap": _number},
    )
)
_OUTAGE = _to_a_pod(
    _fields(
        {"kind": _kind, "to": _text, "start": _number, "ms": _number},
        {
            **dict.fromkeys(("sent", "failed", "owed", "blamed"), _count),
            **dict.fromkeys(("why", "planned", "lost", "peer"), _text),
            "open": _flag,
        },
    )
)
_RECORD = _fields(
    {
        "probe": _one,
        **_ORIGIN,
        "number": _count,
        "since": _number,
        "at": _number,
        "flows": _list(_FLOW),
        "names": _by(_address, _list(_text, length=2)),
        "outages": _list(_OUTAGE),
        "pauses": _list(_list(_number, length=2)),
    },
    {
        **dict.fromkeys(("pause_count", "memory", "inherited", "inherited_pasts"), _count),
        **dict.fromkeys(("pause_ms", "cpu", "terminating"), _number),
        **dict.fromkeys(("final", "dropped_outages"), _flag),
        "by": _text,
    },
)
_PAST = _fields(
    {
        "past": _one,
        **_ORIGIN,
        "seconds": lambda value: _number(value) and value > 0,
        "moments": lambda value: isinstance(value, str),
    },
    {"by": _text},
)
_MOMENTS = _by(
    lambda value: value.isascii() and value.isdigit() and len(value) < 16,
    _by(_kind, _counts(3 + _BUCKETS)),
)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def read_record(text: str) -> dict[str, Any] | None:
    """A record; None for anything else."""
    said = _json(text)
    return said if _RECORD(said) else None


def read_past(text: str) -> dict[str, Any] | None:
    """A past, its moments unpacked under `counts`; None for anything else."""
    said = _json(text)
    if not _PAST(said):
        return None
    unpack = zlib.decompressobj()
    try:
        packed = base64.b64decode(said["moments"], validate=True)
        plain = unpack.decompress(packed, _MOST_PAST_BYTES)
        moments = _json(plain.decode())
    except (ValueError, binascii.Error, zlib.error):
        return None
    if not unpack.eof or not _MOMENTS(moments):
        return None
    return {**said, "counts": {int(number): kinds for number, kinds in moments.items()}}

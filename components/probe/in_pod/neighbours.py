"""Whom a probe talks to: all in a small cluster, a few in a large one, and the same few while others come and go."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def _weight(mine: str, other: str) -> bytes:
    return hashlib.blake2b(f"{mine}|{other}".encode(), digest_size=8).digest()


def choose(mine: str, others: Iterable[str], count: int) -> list[str]:
    """The `count` addresses that weigh most for `mine` (rendezvous hashing): no one's weight depends on another's."""
    candidates = {other for other in others if other != mine}
    return sorted(candidates, key=lambda other: _weight(mine, other), reverse=True)[:count]

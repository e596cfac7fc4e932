"""The choice of a probe's targets: all in a small cluster, in a large one a few, stable while others come and go."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def _weight(mine: str, other: str) -> bytes:
    return hashlib.blake2b(f"{mine}|{other}".encode(), digest_size=8).digest()


def choose(mine: str, others: Iterable[str], count: int) -> list[str]:
    """The `count` addresses with the highest weights for `mine` (rendezvous hashing, each weight independent)."""
    candidates = {other for other in others if other != mine}
    return sorted(candidates, key=lambda other: _weight(mine, other), reverse=True)[:count]

"""A sample of many alike cases for CI, another for each commit; `make test-all` runs them all (EXHAUSTIVE=1)."""

import os
import random
import subprocess
from collections.abc import Collection, Sequence
from functools import cache
from typing import TypeVar

from scripts.lab.paths import CHECKOUT

T = TypeVar("T")


def exhaustive() -> bool:
    """True where every case is wanted."""
    return bool(os.environ.get("EXHAUSTIVE"))


@cache
def seed() -> str:
    """The seed of this run: SAMPLE, or the commit, so that a failure of CI happens again on the same checkout."""
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    return os.environ.get("SAMPLE") or head.stdout.strip() or "none"


def sample(cases: Sequence[T], count: int, *, of: str, always: Collection[T] = ()) -> tuple[T, ...]:
    """So many of the cases besides those `always` taken, in order; `of` names the list, which draws for itself."""
    others = [place for place, case in enumerate(cases) if case not in always]
    if exhaustive() or count >= len(others):
        return tuple(cases)
    chosen = set(random.Random(f"{seed()} {of}").sample(others, count))
    return tuple(case for place, case in enumerate(cases) if place in chosen or case in always)

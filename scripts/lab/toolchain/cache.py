"""Entries of the machine-wide cache: made once, whole or not at all, by one process at a time."""

import fcntl
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.lab.paths import cache_folder


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def entry(name: str, make: Callable[[Path], None]) -> Path:
    """The folder `name` of the cache; `make` fills a scratch folder that becomes it only when complete.

    Safe against `kill -9` (a scratch folder is thrown away) and against two checkouts asking at once.
    """
    final = cache_folder() / name
    if final.exists():
        return final
    with _locked(final.with_name(final.name + ".lock")):
        if final.exists():
            return final
        scratch = final.with_name(final.name + ".partial")
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        make(scratch)
        scratch.replace(final)
    return final

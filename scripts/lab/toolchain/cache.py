"""Entries of the machine-wide cache: each is created once, atomically, by one process at a time."""

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from scripts.lab.console import console
from scripts.lab.paths import cache_folder

_LOOK_SECONDS = 0.5
_SAY_SECONDS = 30.0


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not truncated: it names the process that holds the lock, for processes that wait.
    with path.open("a+") as lock:
        _take(lock, path.stem)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _take(lock: IO[str], name: str) -> None:
    """Take the lock; every half minute print the process that holds it."""
    began, said = time.monotonic(), 0.0
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            now = time.monotonic()
            if not said or now - said > _SAY_SECONDS:
                said = now
                lock.seek(0)
                holder = lock.read().strip() or "unknown"
                console.print(f"waiting for {name}, which process {holder} makes: {now - began:.0f} s so far")
            time.sleep(_LOOK_SECONDS)
        else:
            return


def present(name: str) -> bool:
    """True if the entry exists."""
    return (cache_folder() / name).exists()


def entry(name: str, make: Callable[[Path], None]) -> Path:
    """The folder `name` of the cache; `make` fills a scratch folder, which is renamed to it when complete.

    Safe against `kill -9` (scratch folders are discarded) and against concurrent requests of two checkouts.
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

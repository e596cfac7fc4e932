"""Time spent by this program's processes, by activity; `make bench-time` makes a table of it.

Timings are kept only with a listener, or if the environment names a folder, where each process appends lines of JSON.
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

VARIABLE = "CNI_LIVE_MIGRATION_TIMINGS"


@dataclass(frozen=True, kw_only=True)
class Timing:
    """One span: `at` is the wall clock's second at its end; `size` is in bytes if something was read."""

    kind: str
    what: str
    at: float
    seconds: float
    process: int
    size: int = 0


listeners: list[Callable[[Timing], None]] = []


def wanted() -> bool:
    """True if timings are kept."""
    return bool(listeners) or VARIABLE in os.environ


def note(kind: str, what: str, *, seconds: float, size: int = 0) -> None:
    """Record one span that ends now."""
    if not wanted():
        return
    timing = Timing(kind=kind, what=what, at=time.time(), seconds=round(seconds, 4), process=os.getpid(), size=size)
    for listen in listeners:
        listen(timing)
    folder = os.environ.get(VARIABLE)
    if folder:
        with Path(folder, f"{timing.process}.jsonl").open("a") as file:
            file.write(json.dumps(asdict(timing)) + "\n")


@contextmanager
def timed(kind: str, what: str) -> Iterator[None]:
    """Record the block's wall time, even if it fails."""
    began = time.monotonic()
    try:
        yield
    finally:
        note(kind, what, seconds=time.monotonic() - began)


def note_start(what: str) -> None:
    """Record the seconds since this process began: the interpreter's start and the imports. Linux only."""
    if not wanted():
        return
    try:
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        uptime = float(Path("/proc/uptime").read_text().split()[0])
    except (OSError, ValueError):
        return
    note("start", what, seconds=uptime - ticks / os.sysconf("SC_CLK_TCK"))


def read(folder: Path) -> list[Timing]:
    """All spans that processes wrote into the folder, in the order of their ends."""
    lines = (line for file in folder.glob("*.jsonl") for line in file.read_text().splitlines())
    return sorted((Timing(**json.loads(line)) for line in lines), key=lambda each: each.at)

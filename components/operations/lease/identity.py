"""Names of runs: readable, unique, and sufficient to tell on the same machine that a run is over.

A run is its engine's process. Its name ends in that process's ID and start time, and in a digest of everything that
these two are relative to: the boot (a random ID of the kernel's) and the PID and time namespaces. So all provider
processes of one engine have the same name, and two containers with one host name never do. On a system without this
information the name ends in a random number, and whether that run is over is never known.
"""

import getpass
import hashlib
import os
import re
import socket
import uuid
from functools import lru_cache
from pathlib import Path

_PROCESS = re.compile(r"/(\d{1,7})\.(\d+)\.([0-9a-f]{32})$")
_WRAPPER = b"pulumi-resource-pulumi-python"  # the shell script by which the engine starts a provider's process
_OVER = ("Z", "X")
_PROC = Path("/proc")


@lru_cache(maxsize=1)
def this_run() -> str:
    """The name of the run that this process belongs to."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "unknown"
    engine = _engine()
    place, started = _place(), _state_and_start(engine)
    unique = f"{started[1]}.{place}" if place and started else uuid.uuid4().hex
    return f"{user}@{socket.gethostname()}/{engine}.{unique}"


def is_over(run: str) -> bool:
    """True if the run has certainly ended: it ran in this boot and namespace, and its process is gone."""
    found = _PROCESS.search(run)
    if not found or found[3] != _place():
        return False
    process, start = int(found[1]), found[2]
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass  # it exists, and belongs to another user
    now = _state_and_start(process)
    return now is not None and (now[0] in _OVER or now[1] != start)


def _engine() -> int:
    parent = os.getppid()
    try:
        if _WRAPPER in _PROC.joinpath(str(parent), "cmdline").read_bytes():
            return int(_fields(parent)[1])
    except (OSError, IndexError, ValueError):
        pass
    return parent


def _place() -> str:
    """A digest of what a process's ID and start time are relative to; empty if the system does not tell."""
    try:
        if (_PROC / "self").readlink() != Path(str(os.getpid())):
            return ""  # another namespace's view of processes
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        spaces = [str(each.readlink()) for each in (_PROC / "self/ns/pid", _PROC / "self/ns/time") if each.is_symlink()]
    except OSError:
        return ""
    return hashlib.sha256(" ".join([boot, *spaces]).encode()).hexdigest()[:32] if boot and spaces else ""


def _fields(process: int) -> list[str]:
    """The fields after the program's name in /proc/PID/stat: its state, its parent, …"""
    return _PROC.joinpath(str(process), "stat").read_text(errors="replace").rpartition(")")[2].split()


def _state_and_start(process: int) -> tuple[str, str] | None:
    try:
        fields = _fields(process)
        return fields[0], fields[19]
    except (OSError, IndexError):
        return None

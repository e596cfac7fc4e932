"""Workarounds for three limits of Pulumi's dynamic-provider process: four threads, ignored Ctrl-C, no end.

The process is `pulumi.dynamic`'s own. It serves with four threads and ignores Cancel, so at most four nodes of a wave
would move side by side, and Ctrl-C would wait for the end of every drain (pulumi 3.259,
`pulumi/dynamic/__main__.py`). It also outlives a killed engine, and would go on draining beside the next run. This
module changes all three from within the process, and does nothing in any other process. If it cannot, as in a pulumi
version with a different process, it prints a warning. See docs/decisions/0006.
"""

import gc
import os
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from components import timings

AT_ONCE = 128
_THEIR_WORKERS = 4
_LOOK_SECONDS = 1.0
_prepared = False


def _serves_providers() -> bool:
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    return spec is not None and spec.name == "pulumi.dynamic.__main__"


def _cancel(self: Any, request: Any, context: Any) -> Any:  # noqa: ARG001 (the protocol's signature)
    # This code replaces theirs and runs with their module's globals, so it imports what it needs.
    from google.protobuf import empty_pb2

    # The engine sends Cancel at the end of every run, so only the flag is imported, not the API client (0.4 s).
    from components.operations.retries import stopping

    stopping.set()
    return empty_pb2.Empty()


def _end_with_engine(host: str, port: int) -> None:
    """End this process as soon as the engine is gone; the next run continues unfinished work."""
    while True:
        time.sleep(_LOOK_SECONDS)
        try:
            socket.create_connection((host, port), timeout=_LOOK_SECONDS).close()
        except ConnectionRefusedError:
            os._exit(1)
        except OSError:
            continue  # a lack of sockets or a time-out says nothing about the engine


def _watch_engine(address: str) -> bool:
    """Watch the engine at this address, to end with it; returns True if it is an engine's address."""
    host, _, port = address.rpartition(":")
    if not port.isdigit():
        return False
    threading.Thread(target=_end_with_engine, args=(host, int(port)), daemon=True, name="engine").start()
    return True


def _widen() -> bool:
    """Give the server as many threads as a wave needs; returns True if the server was found."""
    found = [each for each in gc.get_objects() if type(each) is ThreadPoolExecutor]
    servers = [each for each in found if getattr(each, "_max_workers", None) == _THEIR_WORKERS]
    for each in servers:
        each._max_workers = AT_ONCE  # the pool starts threads on demand, up to this number
    return bool(servers)


def _listen() -> bool:
    """Make Cancel (Ctrl-C) stop running operations; returns True if the handler was found."""
    servicer = getattr(sys.modules["__main__"], "DynamicResourceProviderServicer", None)
    cancel: Any = getattr(servicer, "Cancel", None)
    if not hasattr(cancel, "__code__"):
        return False
    # The server holds the function itself, so a new attribute of the class would not be called.
    cancel.__code__ = _cancel.__code__
    return True


def prepare() -> None:
    """Let this process serve many nodes at once, react to Ctrl-C, and end with its engine; done once per process."""
    global _prepared  # noqa: PLW0603 (it is the process that is prepared)
    if _prepared or not _serves_providers():
        return
    _prepared = True
    timings.note_start("providers")
    lacking = [
        words
        for took, words in (
            (_watch_engine(sys.argv[-1]), "a killed engine would leave it at work: end it by hand before the next run"),
            (_widen(), f"at most {_THEIR_WORKERS} nodes of a wave move at a time"),
            (_listen(), "Ctrl-C ends only once every wait has"),
        )
        if not took
    ]
    if lacking:
        from components.operations.progress import say_aloud

        say_aloud(
            f"warning: this version of pulumi ({_version()}) has another process for Python providers than this "
            f"program knows: {'; '.join(lacking)}; requirements.lock has a version where that is not so"
        )


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("pulumi")
    except PackageNotFoundError:
        return "unknown"

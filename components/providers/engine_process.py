"""What the engine's process for Python providers lacks: more than four at once, an ear for Ctrl-C, an end.

The process is `pulumi.dynamic`'s own. It serves with four threads and answers Cancel with nothing, so at most four
nodes of a wave would move side by side, and a Ctrl-C would wait for every drain to its end (pulumi 3.259,
`pulumi/dynamic/__main__.py`). And an engine that was killed leaves it behind: it would go on draining while the next
run does the same. All three are put right from within; nothing but this module knows of it, and in any other
process it does nothing. What cannot be put right, in a version whose process is another, is said aloud. See
docs/decisions/0006.
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
    # This code runs in place of theirs, with their module's names: so it brings its own.
    from google.protobuf import empty_pb2

    # The engine sends it at the end of every run, so it brings no more than the flag, not the API client (0.4 s).
    from components.operations.patience import stopping

    stopping.set()
    return empty_pb2.Empty()


def _end_with_engine(host: str, port: int) -> None:
    """End this process as soon as the engine is gone; whatever is half done, the next run takes up again."""
    while True:
        time.sleep(_LOOK_SECONDS)
        try:
            socket.create_connection((host, port), timeout=_LOOK_SECONDS).close()
        except ConnectionRefusedError:
            os._exit(1)
        except OSError:
            continue  # a machine short of sockets or time says nothing of the engine


def _watch_engine(address: str) -> bool:
    """End with the engine at this address; whether it is one."""
    host, _, port = address.rpartition(":")
    if not port.isdigit():
        return False
    threading.Thread(target=_end_with_engine, args=(host, int(port)), daemon=True, name="engine").start()
    return True


def _widen() -> bool:
    """Have the server's threads be as many as a wave needs; whether it was found."""
    found = [each for each in gc.get_objects() if type(each) is ThreadPoolExecutor]
    servers = [each for each in found if getattr(each, "_max_workers", None) == _THEIR_WORKERS]
    for each in servers:
        each._max_workers = AT_ONCE  # it makes threads as they are needed, up to this
    return bool(servers)


def _listen() -> bool:
    """Have Ctrl-C heard; whether there is who hears it."""
    servicer = getattr(sys.modules["__main__"], "DynamicResourceProviderServicer", None)
    cancel: Any = getattr(servicer, "Cancel", None)
    if not hasattr(cancel, "__code__"):
        return False
    # The server holds the function itself, so a new attribute of the class would not be called.
    cancel.__code__ = _cancel.__code__
    return True


def prepare() -> None:
    """Let this process serve many nodes at once, hear of a Ctrl-C and end with its engine. Once is enough."""
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

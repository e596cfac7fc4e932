"""What the engine's process for Python providers lacks: more than four at once, and an ear for Ctrl-C.

The process is `pulumi.dynamic`'s own. It serves with four threads and answers Cancel with nothing, so at most four
nodes of a wave would move side by side, and a Ctrl-C would wait for every drain to its end (pulumi 3.259,
`pulumi/dynamic/__main__.py`). Both are put right from within; nothing but this module knows of it, and in any other
process it does nothing. See docs/decisions/0006.
"""

import gc
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

AT_ONCE = 128
_THEIR_WORKERS = 4


def _serves_providers() -> bool:
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    return spec is not None and spec.name == "pulumi.dynamic.__main__"


def _cancel(self: Any, request: Any, context: Any) -> Any:  # noqa: ARG001 (the protocol's signature)
    # This code runs in place of theirs, with their module's names: so it brings its own.
    from google.protobuf import empty_pb2

    from components.operations.deadline import stopping

    stopping.set()
    return empty_pb2.Empty()


def prepare() -> None:
    """Let this process serve many nodes at once and hear of a Ctrl-C; done twice it does nothing more."""
    if not _serves_providers():
        return
    for each in gc.get_objects():
        if type(each) is ThreadPoolExecutor and each._max_workers == _THEIR_WORKERS:
            each._max_workers = AT_ONCE  # it makes threads as they are needed, up to this
    servicer = getattr(sys.modules["__main__"], "DynamicResourceProviderServicer", None)
    if servicer is not None:
        # The server holds the function itself, so a new attribute of the class would not be called.
        servicer.Cancel.__code__ = _cancel.__code__

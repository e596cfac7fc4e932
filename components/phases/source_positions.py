"""Keeps the program's stack traces out of the stack's state, where the SDK puts one for each resource.

Each is 1.6 kB, more than all else that the state has of a node, is written again at every step of the engine, and tells
where in this program a resource is declared, which is the same for all nodes. See docs/decisions/0024.
"""

from typing import Any

import pulumi.runtime.resource as runtime
from pulumi.runtime.proto import source_pb2


def leave_out_source_positions() -> None:
    """Have resources declared from here on without them; where the SDK does it another way, nothing changes."""
    if hasattr(runtime, "_get_stack_trace"):
        runtime._get_stack_trace = _no_frames


def _no_frames() -> Any:
    return source_pb2.StackTrace()

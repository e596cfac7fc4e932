"""Effort of a piece of work in calls of functions: it shows how work grows with its input, on a busy machine too."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import ParamSpec

P = ParamSpec("P")


def calls_of(work: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> int:
    """The number of functions and methods the work calls in this thread, those written in C among them."""
    calls = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work(*args, **kwargs)
    finally:
        sys.setprofile(before)
    return calls

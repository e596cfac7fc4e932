"""Waiting that always ends: every wait has a deadline and, when it runs out, says what was still missing."""

import time
from collections.abc import Callable
from typing import TypeVar

from components import timings
from components.operations.api import ClusterError
from components.operations.patience import stopping

T = TypeVar("T")
_FIRST_LOOK_SECONDS = 0.1
_SLOWER = 1.4
__all__ = ["Deadline", "HoldLostError", "OperationError", "Pending", "StoppedError", "pause", "stopping", "wait_until"]


class OperationError(Exception):
    """A step could not be done; the text names the node and object, states the fact, then the remedy."""


class StoppedError(OperationError):
    """The run was asked to stop, and did so where nothing is half done."""


class HoldLostError(OperationError):
    """This run no longer has the cluster, or can't know that it has: it changes nothing any more."""


class Deadline:
    """A point in time, on the monotonic clock."""

    def __init__(self, seconds: float) -> None:
        self.allowed = seconds
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds until it passes, never negative."""
        return max(0.0, self._end - time.monotonic())

    @property
    def passed(self) -> bool:
        """Whether it has passed."""
        return self.left == 0.0


class Pending:
    """Returned by a probe that must be asked again; `why` is what the user reads if time runs out."""

    def __init__(self, why: str) -> None:
        self.why = why


def pause(seconds: float) -> None:
    """Sleep, or raise StoppedError at once when the run is asked to stop."""
    if stopping.wait(seconds):
        raise StoppedError("stopped as asked; `pulumi up` continues from here")


def wait_until(
    probe: Callable[[], T | Pending], *, what: str, deadline: Deadline, remedy: str, every_seconds: float = 0.5
) -> T:
    """Ask `probe` until it returns something else than Pending, and return that.

    It is asked often at first, as most waits are short, and then every `every_seconds`.
    An API server that does not answer for a while is waited for like the rest.
    Raises OperationError when the deadline passes, with `what` was awaited, why it is not so, and the `remedy`.
    """
    began, rest = time.monotonic(), min(_FIRST_LOOK_SECONDS, every_seconds)
    while True:
        try:
            answer = probe()
        except ClusterError as error:
            if not error.may_pass:
                raise
            answer = Pending(str(error))
        if not isinstance(answer, Pending):
            timings.note("wait", what, seconds=time.monotonic() - began)
            return answer
        if deadline.passed:
            raise OperationError(f"{what}: not within {deadline.allowed:.0f} s: {answer.why}. {remedy}")
        pause(min(rest, max(deadline.left, 0.01)))
        rest = min(rest * _SLOWER, every_seconds)

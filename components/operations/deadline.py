"""Waiting that always ends: every wait has a deadline and, when it runs out, says what was still missing."""

import time
from collections.abc import Callable
from typing import TypeVar

from components import timings
from components.operations.cluster_api.errors import ClusterError
from components.operations.retries import stopping

T = TypeVar("T")
_FIRST_LOOK_SECONDS = 0.1
_SLOWER = 1.4
__all__ = ["Deadline", "HoldLostError", "OperationError", "Pending", "StoppedError", "pause", "stopping", "wait_until"]


class OperationError(Exception):
    """A step that failed; the text names the node and object, states the fact, then the remedy."""


class StoppedError(OperationError):
    """The run was asked to stop, and did so at a safe point."""


class HoldLostError(OperationError):
    """This run lost its Lease, or cannot confirm it: it must change nothing any more."""


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
        """True if it has passed."""
        return self.left == 0.0


class Pending:
    """Result of a probe that must be called again; `why` is shown to the user if the deadline passes."""

    def __init__(self, why: str) -> None:
        self.why = why


def pause(seconds: float) -> None:
    """Sleep, or raise StoppedError at once when the run is asked to stop."""
    if stopping.wait(seconds):
        raise StoppedError("stopped as asked; `pulumi up` continues from here")


def wait_until(
    probe: Callable[[], T | Pending], *, what: str, deadline: Deadline, remedy: str, every_seconds: float = 0.5
) -> T:
    """Call `probe` until it returns something other than Pending, and return that.

    It is called often at first, as most waits are short, and then every `every_seconds`.
    An API server that does not answer counts as Pending too.
    Raises OperationError when the deadline passes, with `what` was awaited, the last reason, and the `remedy`.
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

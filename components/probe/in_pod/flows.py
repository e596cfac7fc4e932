"""What every flow has: whom it is to, whether that one still is to be asked, and a row in the ledger."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod

from .clock import Clock
from .ledger import Ledger, Row, Trouble, wall

LIMIT_SECONDS = 2.0  # an attempt without an answer has failed
# A name server's caches can tell of a pod that is gone, and a pod can have an address before it listens: whom nobody
# ever reached counts only when it has been in the names for longer than either lasts.
INTRODUCTION_SECONDS = 45.0
# Failures wait so long for a word that explains them before they count for good.
OWED_SECONDS = 10.0
TERMINATING, VANISHED, PAUSED = "terminating", "vanished", "paused"


def cause(error: BaseException) -> str:
    """An error in the words of a report."""
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if isinstance(error, (ConnectionResetError, BrokenPipeError, ConnectionAbortedError)):
        return "connection reset"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__


class Flow(ABC):
    """One kind of traffic to one address, from its first attempt until `finish()`."""

    def __init__(self, kind: str, address: str, *, interval: float, clock: Clock, ledger: Ledger) -> None:
        self.kind = kind
        self.address = address
        self.leaving = False
        self.gone = False
        self.reached = kind in ("dns", "api")
        self.began = clock.look()
        self._interval = interval
        self._clock = clock
        self._ledger = ledger
        self._loop = asyncio.get_running_loop()
        self._due = 0.0

    @property
    def row(self) -> Row:
        """Where it is counted."""
        return self._ledger.row(self.kind, self.address)

    @property
    def to_pod(self) -> bool:
        """Whether it is to one pod; only such a flow can have planned ends, as a Service has other pods."""
        return self.kind.startswith("pod-")

    @property
    def counts(self) -> bool:
        """Whether failures count already."""
        return self.reached or self._clock.look() - self.began > INTRODUCTION_SECONDS

    @abstractmethod
    def tick(self, now: float) -> None:
        """Do what is due; called every 50 ms."""

    @abstractmethod
    def paused(self, seconds: float) -> None:
        """This process did not run for so long: what was under way gets that time back."""

    @abstractmethod
    def finish(self, why: str) -> None:
        """Start nothing more; what is under way ends as planned, for that reason."""

    def peer_terminates(self) -> None:
        """The peer said that it is on its way out."""
        if self.to_pod and not self.leaving:
            self.finish(TERMINATING)

    def trouble(self, start: float, *, why: str = "") -> Trouble:
        """Begin an outage at a moment of the monotonic clock."""
        return self._ledger.opened(Trouble(kind=self.kind, to=self.address, start=wall(start), why=why))

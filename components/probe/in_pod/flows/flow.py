"""The base class of all flows: the target, its state, and the row in the ledger."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod

from ..clock import Clock
from ..records.ledger import Ledger, Row, Trouble, wall

LIMIT_SECONDS = 2.0  # an attempt without an answer has failed
# DNS caches may list a pod that is gone, and a pod may have an address before it listens: failures to a pod that was
# never reached count only once it has been in DNS for longer than both can take.
INTRODUCTION_SECONDS = 45.0
# Failures are held back so long for a record that explains them.
OWED_SECONDS = 10.0
TERMINATING, VANISHED, PAUSED = "terminating", "vanished", "paused"


def cause(error: BaseException) -> str:
    """An error in a form for reports."""
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
        """The ledger's row of this flow."""
        return self._ledger.row(self.kind, self.address)

    @property
    def to_pod(self) -> bool:
        """True if its target is one pod; only such a flow can have planned ends, as a Service has other pods."""
        return self.kind.startswith("pod-")

    @property
    def counts(self) -> bool:
        """True if failures count already."""
        return self.reached or self._clock.look() - self.began > INTRODUCTION_SECONDS

    @abstractmethod
    def tick(self, now: float) -> None:
        """Send and check what is due; called every 50 ms."""

    @abstractmethod
    def paused(self, seconds: float) -> None:
        """Extend everything under way by a pause of this process."""

    @abstractmethod
    def finish(self, why: str) -> None:
        """Stop sending; attempts under way end as planned, for that reason."""

    def peer_terminates(self) -> None:
        """Note the peer's announcement that it terminates."""
        if self.to_pod and not self.leaving:
            self.finish(TERMINATING)

    def trouble(self, start: float, *, why: str = "") -> Trouble:
        """Open an outage at a moment of the monotonic clock."""
        return self._ledger.opened(Trouble(kind=self.kind, to=self.address, start=wall(start), why=why))

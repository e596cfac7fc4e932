"""The counts of every kind of flow: successes, failures, and gaps between successes."""

import asyncio
from abc import ABC, abstractmethod
from dataclasses import replace
from itertools import count

from .clock import Clock, Stopwatch
from .records import Counts, Event, EventKind, Flow, Journal

LIMIT_SECONDS = 3.0
SLOW_SECONDS = 0.9  # a lost first SYN is sent again after 1 s
GAP_WORTH_TELLING_SECONDS = 0.5
_SERIALS = count()


def cause(error: BaseException) -> str:
    """An error as text for the report."""
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if isinstance(error, ConnectionResetError | BrokenPipeError | ConnectionAbortedError):
        return "reset"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__


class Measured(ABC):
    """One flow from its first attempt until `finish()`; after that it only waits for pending attempts."""

    def __init__(self, flow: Flow, *, interval_seconds: float, clock: Clock, journal: Journal) -> None:
        self.flow = flow
        self.clock = clock
        self.terminating = False
        self.gone = False
        self.leaving = False
        self._serial = next(_SERIALS)
        self._interval = interval_seconds
        self._journal = journal
        self._sent = self._succeeded = self._failed = 0
        self._longest_gap = 0.0
        self._since_success: Stopwatch | None = None

    @abstractmethod
    def tick(self, now: float) -> None:
        """Do pending work; called every 50 ms."""

    @property
    @abstractmethod
    def idle(self) -> bool:
        """True if nothing is pending."""

    def finish(self) -> None:
        """Start nothing more."""
        if not self.leaving:
            self.leaving = True
            self._end_gap()

    def met(self, *, peer: str, node: str) -> None:
        """Remember the peer that answered."""
        if (peer, node) != (self.flow.peer, self.flow.peer_node):
            self.flow = replace(self.flow, peer=peer, peer_node=node)

    def peer_terminates(self) -> None:
        """Handle the peer's message that it terminates: a flow to a pod ends; a Service has other peers."""
        if not self.terminating and self.flow.kind in ("pod-http", "echo-pod"):
            self.terminating = True
            self.tell("terminating")
            self.finish()

    def peer_gone(self) -> None:
        """Handle the removal of the peer's address from the name server."""
        if not self.gone:
            self.gone = True
            self.tell("gone")

    def expect_success(self) -> None:
        """Measure gaps from now on."""
        self._since_success = self._since_success or Stopwatch(self.clock)

    def started_one(self) -> None:
        """Count an attempt."""
        self._sent += 1
        self.expect_success()

    def succeeded(self, *, seconds: float = 0.0) -> None:
        """Count a success and the gap that it ends."""
        self._succeeded += 1
        if seconds > SLOW_SECONDS:
            self.tell("slow", seconds=seconds)
        if not self.leaving:
            self._end_gap()
            self._since_success = Stopwatch(self.clock)

    def failed(self, reason: str, *, seconds: float = 0.0) -> None:
        """Count a failure."""
        self._failed += 1
        self.tell("failure", reason, seconds=seconds)

    def _end_gap(self) -> None:
        if self._since_success:
            gap = self._since_success.seconds()
            self._longest_gap = max(self._longest_gap, gap)
            if gap > max(GAP_WORTH_TELLING_SECONDS, 2 * self._interval):
                self.tell("gap", seconds=gap)
        if self.leaving:
            self._since_success = None

    def tell(self, kind: EventKind, reason: str = "", *, seconds: float = 0.0) -> None:
        """Write an event of this flow."""
        self._journal.event(Event(kind=kind, flow=self.flow, reason=reason, milliseconds=round(seconds * 1000, 1)))

    def counts(self) -> Counts:
        """The counts now; starts a new longest gap, unless a gap is open."""
        gap = max(self._longest_gap, self._since_success.seconds() if self._since_success else 0.0)
        self._longest_gap = 0.0
        return Counts(
            serial=self._serial,
            flow=self.flow,
            sent=self._sent,
            succeeded=self._succeeded,
            failed=self._failed,
            interval_ms=round(self._interval * 1000, 1),
            gap_ms=round(gap * 1000, 1),
        )


class Attempt:
    """One pending attempt: its running time, and the stage that it waits for."""

    def __init__(self, clock: Clock) -> None:
        self.watch = Stopwatch(clock)
        self.stage = "connection"


class Scheduled(Measured):
    """Attempts on a fixed schedule that does not wait for answers, each with a limit of 3 s.

    The limit bounds the number of pending attempts; it counts running time, so a pause fails none.
    """

    def __init__(self, flow: Flow, *, interval_seconds: float, clock: Clock, journal: Journal) -> None:
        super().__init__(flow, interval_seconds=interval_seconds, clock=clock, journal=journal)
        self._due = 0.0
        self._under_way: dict[asyncio.Task[None], Attempt] = {}

    def peer_gone(self) -> None:
        """End the flow: a real client would not start a connection to an address that has no name any more."""
        super().peer_gone()
        self.finish()

    @abstractmethod
    async def attempt(self, attempt: Attempt) -> None:
        """Try once; an exception is the failure."""

    @property
    def idle(self) -> bool:
        """True if every attempt has its answer."""
        return not self._under_way

    def tick(self, now: float) -> None:
        """Fail attempts that are over the limit, and start those that are due."""
        for task, attempt in list(self._under_way.items()):
            if attempt.watch.seconds() > LIMIT_SECONDS:
                del self._under_way[task]
                task.cancel()
                self.failed(f"no {attempt.stage} in {LIMIT_SECONDS:.0f} s", seconds=attempt.watch.seconds())
        if now >= self._due and not self.leaving:
            # Slightly early counts as on time: beats are not exact, and an attempt that misses its beat is 50 ms late.
            self._due = max(self._due, now - self._interval) + self._interval - 0.005
            self.started_one()
            attempt = Attempt(self.clock)
            task = asyncio.get_running_loop().create_task(self._try(attempt))
            self._under_way[task] = attempt

    async def _try(self, attempt: Attempt) -> None:
        task = asyncio.current_task()
        assert task
        try:
            await self.attempt(attempt)
        except (OSError, ValueError) as error:
            if self._under_way.pop(task, None):
                self.failed(cause(error), seconds=attempt.watch.seconds())
        else:
            if self._under_way.pop(task, None):
                self.succeeded(seconds=attempt.watch.seconds())

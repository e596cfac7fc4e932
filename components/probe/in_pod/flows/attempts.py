"""Short flows: attempts at fixed intervals, regardless of answers, each with a connection or datagram of its own."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from ..clock import Clock
from ..records.ledger import Ledger, Trouble
from .flow import LIMIT_SECONDS, OWED_SECONDS, PAUSED, VANISHED, Flow

_SLOW_SECONDS = 0.9  # a lost first packet of a connection is sent again after a second
_API_LIMIT_SECONDS = 5.0
_UNREACHED_SECONDS = 1.0
_MOST_BEFORE_SECONDS = 0.25


class BadAnswerError(ValueError):
    """An answer that is wrong or incomplete."""


@dataclass(eq=False)
class Attempt:
    """One attempt under way; `peer` is the pod that answered, `held` the time that its process had not run before."""

    started: float
    give_up: Callable[[], None] = lambda: None
    stage: str = "connection"
    peer: str = ""
    held: float = 0.0


@dataclass
class Verdict:
    """The outcome of an attempt; `why` is empty for a success."""

    end: float
    why: str = ""
    failed: bool = False


@dataclass
class Streak:
    """Consecutive attempts that failed or were slow; moments of the monotonic clock."""

    first: float
    last_end: float
    last_start: float
    trouble: Trouble


class Attempts(Flow):
    """A flow of attempts at a fixed interval.

    An outage lasts from half an interval before the first bad attempt to the middle between the last bad one and the
    next good one, within limits: a single failure in a rare flow must not look like a long outage.
    """

    def __init__(self, kind: str, address: str, *, interval: float, clock: Clock, ledger: Ledger) -> None:
        super().__init__(kind, address, interval=interval, clock=clock, ledger=ledger)
        self._under_way: dict[Attempt, None] = {}
        self._judged: dict[Attempt, Verdict] = {}
        self._streak: Streak | None = None
        self._half = min(interval / 2, _MOST_BEFORE_SECONDS)
        self._limit = _API_LIMIT_SECONDS if kind == "api" else LIMIT_SECONDS

    @abstractmethod
    def begin(self, attempt: Attempt) -> None:
        """Start an attempt, which ends by `good` or `bad`, or by its time-out."""

    def tick(self, now: float) -> None:
        """End attempts over the limit, and start those that are due."""
        for attempt in list(self._under_way):
            if now - attempt.started <= self._limit:
                break
            attempt.give_up()
            self.bad(attempt, f"no {attempt.stage} in {self._limit:.0f} s")
        if self.gone and not self.leaving:
            self.finish(VANISHED)
        if now >= self._due and not self.leaving:
            interval = self._interval if self.counts else max(self._interval, _UNREACHED_SECONDS)
            self._due = max(self._due, now - interval) + interval - 0.002
            attempt = Attempt(now)
            self._under_way[attempt] = None
            self.begin(attempt)

    def paused(self, seconds: float) -> None:
        """Extend attempts under way by the pause."""
        for attempt in self._under_way:
            attempt.started += seconds

    def good(self, attempt: Attempt) -> None:
        """Record a correct answer."""
        now = self._clock.look()
        if attempt not in self._under_way:
            return
        self.reached = True
        took = max(0.0, now - attempt.started - self._clock.held)
        self.row.sent += 1
        self.row.answered(took)
        slow = f"answered after {took:.1f} s" if took > _SLOW_SECONDS else ""
        self._verdict(attempt, Verdict(end=now, why=slow))

    def bad(self, attempt: Attempt, why: str) -> None:
        """Record a failure: no answer, or a wrong one."""
        now = self._clock.look()
        if attempt not in self._under_way:
            return
        if not self.counts:
            del self._under_way[attempt]
            return
        self.row.sent += 1
        if self.leaving:
            self.row.planned += 1
        self._verdict(attempt, Verdict(end=now, why=why, failed=True))

    def _verdict(self, attempt: Attempt, verdict: Verdict) -> None:
        """Judge attempts in the order of their start, as an answer may come before an earlier attempt times out."""
        del self._under_way[attempt]
        if self.leaving:
            return
        self._judged[attempt] = verdict
        earliest = next(iter(self._under_way)).started if self._under_way else float("inf")
        for each in sorted(self._judged, key=lambda other: other.started):
            if each.started > earliest:
                break
            self._judge(each, self._judged.pop(each))

    def _judge(self, attempt: Attempt, verdict: Verdict) -> None:
        streak = self._streak
        if not verdict.why:
            if streak:
                self._end_streak(attempt.started)
            return
        if streak is None or attempt.started - streak.last_start > 3 * self._interval + self._limit:
            self._end_streak(attempt.started)
            trouble = self.trouble(attempt.started - self._half, why=verdict.why)
            streak = self._streak = Streak(attempt.started, verdict.end, attempt.started, trouble)
        trouble = streak.trouble
        streak.last_start, streak.last_end = attempt.started, verdict.end
        if attempt.held > (verdict.end - attempt.started) / 2:
            trouble.planned = PAUSED
            trouble.why = f"the other process did not run for {attempt.held * 1000:.0f} ms"
        elif verdict.failed and not trouble.planned:
            trouble.why = verdict.why
        trouble.sent += 1
        trouble.failed += verdict.failed
        trouble.owed += verdict.failed
        trouble.ms = (max(streak.last_end, streak.last_start + self._half) - streak.first + self._half) * 1000
        trouble.peer = "" if self.to_pod else attempt.peer
        if trouble.ms > OWED_SECONDS * 1000 and not trouble.planned:
            self.row.failed += trouble.owed
            trouble.blamed, trouble.owed = trouble.blamed + trouble.owed, 0

    def _end_streak(self, next_start: float, *, planned: str = "") -> None:
        streak, self._streak = self._streak, None
        if streak:
            trouble = streak.trouble
            trouble.planned = trouble.planned or planned
            middle = (streak.last_start + max(next_start, streak.last_start)) / 2
            end = max(streak.last_start + self._half, min(streak.last_end, middle))
            trouble.ms = (end - streak.first + self._half) * 1000
            self._ledger.closed(trouble, self.row)

    def finish(self, why: str) -> None:
        """Start no more attempts; a current outage is explained by the end only if the pod gave no notice of it."""
        if not self.leaving:
            for attempt in sorted(self._judged, key=lambda other: other.started):
                self._judge(attempt, self._judged[attempt])
            self._judged.clear()
            self.leaving = True
            self._end_streak(self._clock.look(), planned=why if why == VANISHED else "")

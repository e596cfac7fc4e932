"""A timer that also measures pauses of this process, which must not count as network outages."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

TICK_SECONDS = 0.05
PAUSE_SECONDS = 0.1
_EARLY_SECONDS = 0.01  # a timer that fires so little before its time, by a step of the wall clock, is on time
# All probes have just sent: a short wait, in which the kernel collects the packets, saves a third of the CPU time, and
# adds at most this to latencies.
_GATHER_SECONDS = 0.0015
_LATE_SECONDS = 0.02  # a timer on a busy machine may well be late by less


class Clock:
    """Calls `tick(now)` every 50 ms; every callback of the event loop must call `look()` before it judges anything.

    It ticks at whole multiples of 50 ms of the wall clock, as every other probe does: so packets between probes arrive
    together, which saves CPU time, as most of it is spent on waking up a process.

    After a pause the loop delivers packets that arrived meanwhile before any timer fires: without `look()`, an answer
    that waited in this process would count as slow.
    """

    def __init__(self, tick: Callable[[float], None], *, on_pause: Callable[[float, float], None]) -> None:
        self._tick = tick
        self._on_pause = on_pause
        self._due = time.monotonic() + TICK_SECONDS
        self._awake = True
        self._timer: asyncio.TimerHandle | None = None
        self.held = 0.0
        """Seconds that the loop did not run just before this moment; 0 while it keeps its time."""

    def start(self) -> None:
        """Start ticking in the running loop."""
        self._plan()

    def stop(self) -> None:
        """Stop ticking."""
        self._awake = False
        if self._timer:
            self._timer.cancel()

    def look(self) -> float:
        """The monotonic time now; detects a pause and reports it as (its start, seconds)."""
        now = time.monotonic()
        late = now - self._due
        if late > _LATE_SECONDS:
            began = self._due
            self._due = now + TICK_SECONDS
            self.held = late
            if late > PAUSE_SECONDS:
                self._on_pause(began, late)
        return now

    def _plan(self) -> None:
        phase = (time.time() + _EARLY_SECONDS) % TICK_SECONDS - _EARLY_SECONDS
        self._due = time.monotonic() + TICK_SECONDS - phase
        self._timer = asyncio.get_running_loop().call_at(self._due, self._fire)

    def _fire(self) -> None:
        on_time = time.monotonic() - self._due <= _LATE_SECONDS
        now = self.look()
        self._due, held = now + TICK_SECONDS, self.held
        try:
            self._tick(now)
            time.sleep(_GATHER_SECONDS)
        finally:
            self.look()  # the process may have paused during the tick
            if on_time and self.held == held:
                self.held = 0.0
            if self._awake:
                self._plan()

"""A heartbeat that also measures how long this process itself did not run, which is never the network's fault."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

TICK_SECONDS = 0.05
PAUSE_SECONDS = 0.1
_EARLY_SECONDS = 0.01  # a timer that fires so long before its time, by a step of the wall clock, was not too early
# Everybody has just sent: a moment's wait, in which the kernel collects it, saves a third of the processor time, and
# makes latencies so much longer at most.
_GATHER_SECONDS = 0.0015
_LATE_SECONDS = 0.02  # less is the usual lateness of a timer on a busy machine


class Clock:
    """Calls `tick(now)` every 50 ms; whoever is called by the event loop first says `look()`, before judging anything.

    It beats at whole multiples of 50 ms of the wall clock, as every other probe does: what they send each other then
    arrives together, and most of what a beat costs is to wake a process up for it.

    After a stop the loop hands over what arrived meanwhile before any timer fires: without the look, an answer that
    waited in this process would count against the network.
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
        """Begin to beat in the running loop."""
        self._plan()

    def stop(self) -> None:
        """Beat no more."""
        self._awake = False
        if self._timer:
            self._timer.cancel()

    def look(self) -> float:
        """The monotonic time now; notices a pause and tells it as (when it began, seconds)."""
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
            self.look()  # a stop in the midst of the beat is one, too
            if on_time and self.held == held:
                self.held = 0.0
            if self._awake:
                self._plan()

"""A heartbeat that measures pauses of this process itself, to distinguish CPU starvation from network loss."""

import asyncio
import time
from collections.abc import Callable

BEAT_SECONDS = 0.05
PAUSE_SECONDS = 0.2  # shorter delays are usual on a busy machine, and stay in the measurements


class Clock:
    """Calls `beat(now)` every 50 ms; a beat that is over 200 ms late is a pause, in which nothing here could run."""

    def __init__(self) -> None:
        self._paused = 0.0
        self._due = time.monotonic() + BEAT_SECONDS

    def paused(self, now: float) -> float:
        """Seconds until `now` in which this process did not run, including a pause that has not ended yet."""
        return self._paused + self._pause(now)

    def _pause(self, now: float) -> float:
        late = now - self._due
        return late if late > PAUSE_SECONDS else 0.0

    async def run(self, beat: Callable[[float], None], *, on_pause: Callable[[float], None]) -> None:
        """Beat until cancelled; missed beats are skipped, and `on_pause` gets each pause in seconds."""
        self._due = time.monotonic() + BEAT_SECONDS
        while True:
            await asyncio.sleep(max(0.0, self._due - time.monotonic()))
            now = time.monotonic()
            pause = self._pause(now)
            self._paused += pause
            self._due = max(self._due + BEAT_SECONDS, now)
            if pause:
                on_pause(pause)
            beat(now)


class Stopwatch:
    """Seconds since it was started, less those in which this process did not run."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._started = time.monotonic()
        self._paused = clock.paused(self._started)

    def seconds(self) -> float:
        """The running time so far."""
        now = time.monotonic()
        return (now - self._started) - (self._clock.paused(now) - self._paused)

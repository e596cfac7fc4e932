"""Trials: new connections, one after the other, while a long one is silent; they show when packets pass again.

A kernel answers them even if the other process is paused; only a full-size beat needs that process.
"""

from __future__ import annotations

import asyncio

from .connection import Link
from .flow import OWED_SECONDS, cause
from .long_flow import LongFlow

_SECONDS, _LIMIT_SECONDS = 0.025, 0.2
# TCP retransmits a lost large packet after 0.2 s, a connection's first one after 1 s. A trial that needed this does not
# prove that packets passed at its start.
_FULL_LIMIT_SECONDS = 0.1
_SLOW_SECONDS, _SLOWEST_SECONDS = 0.25, 2.0
_UNREACHED_SECONDS = 0.5


class Trials:
    """The trials of one silence of one flow; moments are of the monotonic clock, 0 if there was none."""

    def __init__(self, echo: LongFlow, *, silent_since: float) -> None:
        self.bad_first = 0.0
        self.why = ""
        self._bad_last = 0.0
        self._good: list[float] = []
        self._passed = False
        self._echo = echo
        self._silent_since = silent_since
        self._loop = asyncio.get_running_loop()
        self._due = 0.0
        self._slow = _SLOW_SECONDS
        self._under_way: dict[Link, asyncio.Task[None]] = {}
        self._timer: asyncio.TimerHandle | None = None

    @property
    def under_way(self) -> bool:
        """True if the outcome of any trial is open."""
        return bool(self._under_way)

    @property
    def limit(self) -> float:
        """The time that one trial may take, in seconds."""
        return (_FULL_LIMIT_SECONDS if self._echo.full_size else _LIMIT_SECONDS) + 4 * self._echo.usual

    def path_back(self, now: float) -> float:
        """The moment when packets passed again: between the last lost trial and the next successful one, or `now`."""
        return (self._bad_last + min((each for each in self._good if each > self._bad_last), default=now)) / 2

    def send(self) -> None:
        """Send trials as they are due, and count those over the limit as lost, until `stop()`."""
        if self._echo.leaving:
            return
        now = self._echo.look()
        for link, task in list(self._under_way.items()):
            if now - link.started > self.limit:
                del self._under_way[link]
                task.cancel()
                self._lost(link.started)
        if now >= self._due:
            self._due = now + self._interval(now)
            link = Link(self._echo, started=now, trials=self)
            self._under_way[link] = self._loop.create_task(self._try(link))
        self._timer = self._loop.call_later(_SECONDS, self.send)

    def stop(self) -> None:
        """Send no more trials; those under way go on."""
        if self._timer:
            self._timer.cancel()

    def drop(self) -> None:
        """Discard trials under way without a result."""
        for task in self._under_way.values():
            task.cancel()
        self._under_way.clear()

    def lose(self) -> None:
        """Count trials under way as lost."""
        for link in self._under_way:
            self._lost(link.started)
        self.drop()

    def passed(self, link: Link) -> bool:
        """Record a successful trial; False if it counts no more."""
        if self._under_way.pop(link, None) is None:
            return False
        self._good.append(link.started)
        self._passed = True
        return True

    def _interval(self, now: float) -> float:
        if not self._echo.reached:
            return _UNREACHED_SECONDS
        if self._echo.connected_now and self._passed:
            self._slow = min(2 * self._slow, _SLOWEST_SECONDS)
            return self._slow / 2
        if now - self._silent_since > OWED_SECONDS:
            return _SLOW_SECONDS
        return _SECONDS * (2 if self._echo.full_size else 1) * 0.9

    def _lost(self, started: float) -> None:
        """Record a lost trial; the next ones follow quickly again."""
        self.bad_first = min(self.bad_first or started, started)
        self._bad_last = max(self._bad_last, started)
        self._good = [each for each in self._good if each > self._bad_last]
        if self._passed:
            self._passed, self._due, self._slow = False, 0.0, _SLOW_SECONDS

    async def _try(self, link: Link) -> None:
        try:
            await self._loop.create_connection(lambda: link, self._echo.address, self._echo.port)
            await asyncio.sleep(self.limit)  # a full-size beat may still be under way
        except OSError as error:
            self._echo.look()
            if self._under_way.pop(link, None) is not None:
                if not self._echo.connected_now:
                    self.why = cause(error)
                self._lost(link.started)
        finally:
            if not self._echo.owns(link):
                link.drop()

"""One connection of a long flow, and what is known of a time without answers on it."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from .ledger import Trouble

if TYPE_CHECKING:
    from .echo import Echo

SLOW_SCOUT_SECONDS = 0.25


class Link(asyncio.Protocol):
    """This end of one connection; as a scout it only shows whether a connection, or a full-size beat, gets through."""

    def __init__(self, echo: Echo, *, started: float, silence: Silence) -> None:
        self.started = started
        self.silence = silence
        self.peer = ""
        self.peer_node = ""
        self.peer_terminates = False
        self.said_goodbye = False
        self._echo = echo
        self._partial = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The flow may use it."""
        self._transport = cast("asyncio.Transport", transport)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._echo.connected(self)

    @property
    def segment_bytes(self) -> int:
        """What a full-size packet of this connection carries."""
        assert self._transport
        size: int = self._transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)
        return size

    def send(self, beat: bytes) -> None:
        """Send a line."""
        if self._transport:
            self._transport.write(beat)

    def data_received(self, data: bytes) -> None:
        """Hand on every whole line."""
        now = self._echo.look()
        *lines, self._partial = (self._partial + data).split(b"\n")
        for line in lines:
            self._echo.said(self, line.split(b" ", 3), now)

    def connection_lost(self, exc: Exception | None) -> None:
        """The flow hears of it."""
        self._echo.look()
        self._echo.ended(self, exc)

    def drop(self) -> None:
        """Close at once."""
        if self._transport:
            self._transport.abort()


@dataclass(eq=False)
class Silence:
    """A time without an answer in time; all moments are of the monotonic clock, 0 if there was none."""

    first: float
    last_late: float
    why: str = ""
    bad_first: float = 0.0
    bad_last: float = 0.0
    good: list[float] = field(default_factory=list)
    over: float = 0.0
    held: float = 0.0
    slowest: float = 0.0
    lost: str = ""
    owed: int = 0
    sent: int = 0
    failed: int = 0
    scout_due: float = 0.0
    passed: bool = False
    concluded: bool = False
    counts: bool = True
    slow: float = SLOW_SCOUT_SECONDS
    scouts: dict[Link, asyncio.Task[None]] = field(default_factory=dict)
    trouble: Trouble | None = None

    def path_back(self, now: float) -> float:
        """When packets passed again: between the last scout that was lost and the next that was not, or `now`."""
        return (self.bad_last + min((each for each in self.good if each > self.bad_last), default=now)) / 2

    def failed_scout(self, started: float) -> None:
        """A scout was lost; from now on they follow each other quickly again."""
        self.bad_first = min(self.bad_first or started, started)
        self.bad_last = max(self.bad_last, started)
        self.good = [each for each in self.good if each > self.bad_last]
        if self.passed:
            self.passed, self.scout_due, self.slow = False, 0.0, SLOW_SCOUT_SECONDS

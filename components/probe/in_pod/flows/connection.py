"""One connection of a long flow."""

from __future__ import annotations

import asyncio
import socket
from typing import cast

from .long_flow import LongFlow, TrialsOfSilence
from .receiver import Receiver


class Link(Receiver):
    """This end of one connection; as a trial it only shows whether a connection, or a full-size beat, gets through."""

    def __init__(self, echo: LongFlow, *, started: float, trials: TrialsOfSilence) -> None:
        self.started = started
        self.trials = trials
        self.peer_terminates = False
        self._echo = echo
        self._partial = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Tell the flow that the connection can be used."""
        self._transport = cast("asyncio.Transport", transport)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._echo.connected(self)

    @property
    def segment_bytes(self) -> int:
        """The payload of a full-size packet of this connection, in bytes."""
        assert self._transport
        size: int = self._transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)
        return size

    def send(self, beat: bytes) -> None:
        """Send a line."""
        if self._transport:
            self._transport.write(beat)

    def data_received(self, data: bytes) -> None:
        """Pass every whole line to the flow."""
        now = self._echo.look()
        *lines, self._partial = (self._partial + data).split(b"\n")
        for line in lines:
            self._echo.said(self, line.split(b" ", 3), now)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the flow that the connection is lost."""
        self._echo.look()
        self._echo.ended(self, exc)

    def drop(self) -> None:
        """Close at once."""
        if self._transport:
            self._transport.abort()

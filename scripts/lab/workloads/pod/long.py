"""Long-lived flows: one connection with a beat every 50 ms, reopened at once when it ends."""

import asyncio

from .clock import Clock, Stopwatch
from .flows import LIMIT_SECONDS, Measured, cause
from .records import EventKind, Flow, Journal

SILENCE_SECONDS = 5.0
_RETRY_SECONDS = 0.2


class Echo(asyncio.Protocol, Measured):
    """A connection to one address; `sent` and `succeeded` count beats, `failed` counts attempts to connect."""

    def __init__(self, flow: Flow, *, port: int, interval_seconds: float, clock: Clock, journal: Journal) -> None:
        Measured.__init__(self, flow, interval_seconds=interval_seconds, clock=clock, journal=journal)
        self._port = port
        self._connecting: asyncio.Task[None] | None = None
        self._watch = Stopwatch(clock)
        self._transport: asyncio.Transport | None = None
        self._said_goodbye = False
        self._partial = b""
        self._due = 0.0

    @property
    def idle(self) -> bool:
        """True if there is no connection, and none is being opened."""
        return not self._connecting and not self._transport

    def finish(self) -> None:
        """End this half of the connection; the peer ends the other."""
        super().finish()
        if self._transport:
            self._transport.close()

    def tick(self, now: float) -> None:
        """Send a beat, connect, or give up."""
        if self._transport:
            self._beat(now)
        elif self._connecting:
            if self._watch.seconds() > LIMIT_SECONDS:
                self._connecting.cancel()
                self._connecting = None
                self.failed(f"no connection in {LIMIT_SECONDS:.0f} s", seconds=LIMIT_SECONDS)
        elif self.gone:
            self.finish()
        elif now >= self._due and not self.leaving:
            self._due = now + _RETRY_SECONDS
            self.expect_success()
            self._watch = Stopwatch(self.clock)
            self._connecting = asyncio.get_running_loop().create_task(self._connect())

    def _beat(self, now: float) -> None:
        assert self._transport
        if self._watch.seconds() > SILENCE_SECONDS:
            self._end("broken", f"no echo for {SILENCE_SECONDS:.0f} s", seconds=self._watch.seconds())
        elif now >= self._due and not self.leaving:
            self._due = max(self._due, now - self._interval) + self._interval - 0.005
            self.started_one()
            self._transport.write(b"beat\n")

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: self, self.flow.address, self._port)
        except OSError as error:
            self._connecting = None
            self.failed(cause(error), seconds=self._watch.seconds())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start beating."""
        assert isinstance(transport, asyncio.Transport)
        self._connecting = None
        self._transport = transport
        self._watch = Stopwatch(self.clock)
        self._due = 0.0
        self._said_goodbye = False
        self._partial = b""
        if self.leaving:
            transport.close()

    def data_received(self, data: bytes) -> None:
        """Handle each complete line."""
        *lines, self._partial = (self._partial + data).split(b"\n")
        for line in lines:
            self._take(line.decode("latin-1").split())

    def _take(self, words: list[str]) -> None:
        match words:
            case ["beat"]:
                self._watch = Stopwatch(self.clock)
                self.succeeded()
            case ["hello", peer, node]:
                self.met(peer=peer, node=node)
            case ["paused", milliseconds]:
                self.tell("peer-paused", seconds=float(milliseconds) / 1000)
            case ["goodbye"]:
                self._said_goodbye = True

    def connection_lost(self, exc: Exception | None) -> None:
        """Record how it ended, unless this side ended it."""
        if self._transport is None:
            return
        if self._said_goodbye:
            self._end("closed", "said goodbye")
            self.peer_terminates()
        elif self.leaving:
            self._transport = None
        else:
            # The kernel also closes a killed process' connections in order: without a goodbye the end was not planned.
            self._end("broken", cause(exc) if exc else "ended without a goodbye")

    def _end(self, kind: EventKind, reason: str, *, seconds: float = 0.0) -> None:
        assert self._transport
        transport, self._transport = self._transport, None
        transport.abort()
        self._due = 0.0
        self.tell(kind, reason, seconds=seconds)

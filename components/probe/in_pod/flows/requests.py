"""HTTP requests to a probe, each over a connection of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, cast

from ..clock import Clock
from ..records.ledger import Ledger
from .attempts import Attempt, Attempts, BadAnswerError
from .flow import cause
from .receiver import Receiver


class _Exchange(Receiver):
    """Sends one request and collects the answer up to the end of the connection."""

    def __init__(self, request: bytes, done: Callable[[bytes, Exception | None], None], attempt: Attempt) -> None:
        self._request = request
        self._done = done
        self._attempt = attempt
        self._received = b""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._attempt.stage = "answer"
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if end:
            at = head.lower().find(b"content-length:")
            length = head[at + 15 :].split(b"\r\n", 1)[0].strip() if at >= 0 else b""
            if length.isdigit() and len(body) >= int(length):
                self._done(self._received, None)
                if self.transport:
                    self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._done(self._received, exc)


def read_answer(received: bytes) -> dict[str, Any]:
    """The other probe's identity in a complete answer with status 200."""
    head, end, body = received.partition(b"\r\n\r\n")
    if not end:
        raise BadAnswerError(f"cut short after {len(received)} bytes")
    status = head.split(b"\r\n", 1)[0].decode("latin-1")
    if status.split()[1:2] != ["200"]:
        raise BadAnswerError(f"answered {status}")
    try:
        said = json.loads(body)
    except ValueError:
        raise BadAnswerError(f"cut short after {len(received)} bytes") from None
    if not isinstance(said, dict):
        raise BadAnswerError("answered by something else than a probe")
    return said


class Requests(Attempts):
    """A GET over a new connection."""

    def __init__(self, kind: str, address: str, *, port: int, interval: float, clock: Clock, ledger: Ledger) -> None:
        super().__init__(kind, address, interval=interval, clock=clock, ledger=ledger)
        self._port = port
        self._request = f"GET / HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n".encode()

    def begin(self, attempt: Attempt) -> None:
        """One request."""
        exchange = _Exchange(self._request, lambda received, error: self._done(attempt, received, error), attempt)
        task = self._loop.create_task(self._connect(attempt, exchange))

        def give_up() -> None:
            task.cancel()
            if exchange.transport:
                exchange.transport.abort()

        attempt.give_up = give_up

    async def _connect(self, attempt: Attempt, exchange: _Exchange) -> None:
        try:
            await self._loop.create_connection(lambda: exchange, self.address, self._port)
        except OSError as error:
            self._clock.look()
            self.bad(attempt, cause(error))

    def _done(self, attempt: Attempt, received: bytes, error: Exception | None) -> None:
        now = self._clock.look()
        if attempt not in self._under_way:
            return
        try:
            if error and not received:
                raise error
            said = read_answer(received)
        except (OSError, BadAnswerError) as fault:
            self.bad(attempt, cause(fault))
            return
        attempt.peer = str(said.get("pod", ""))
        if "paused_ms" in said and said["paused_ago_ms"] / 1000 < now - attempt.started:
            attempt.held = said["paused_ms"] / 1000
        if self.to_pod:
            self._ledger.met(self.address, pod=attempt.peer, node=str(said.get("node", "")))
        self.good(attempt)
        if said.get("terminating"):
            self.peer_terminates()

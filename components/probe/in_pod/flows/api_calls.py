"""Requests to the API server, each over a connection of its own."""

from __future__ import annotations

import asyncio
import ssl
import struct

from ..clock import Clock
from ..records.ledger import Ledger
from .attempts import Attempt, Attempts, BadAnswerError
from .flow import cause


class ApiCalls(Attempts):
    """A request to the API server without credentials; any answer is a success."""

    def __init__(self, address: str, *, port: int, interval: float, clock: Clock, ledger: Ledger) -> None:
        super().__init__("api", address, interval=interval, clock=clock, ledger=ledger)
        self._port = port
        self._tls = ssl.create_default_context()
        self._tls.check_hostname = False
        self._tls.verify_mode = ssl.CERT_NONE  # no secret is sent

    def begin(self, attempt: Attempt) -> None:
        """One request."""
        task = self._loop.create_task(self._ask(attempt))

        def give_up() -> None:
            task.cancel()

        attempt.give_up = give_up

    async def _ask(self, attempt: Attempt) -> None:
        try:
            reader, writer = await asyncio.open_connection(self.address, self._port, ssl=self._tls)
            try:
                attempt.stage = "answer"
                writer.write(f"GET /version HTTP/1.1\r\nhost: {self.address}\r\nconnection: close\r\n\r\n".encode())
                status = await reader.readline()
            finally:
                writer.transport.abort()
            self._clock.look()
            if not status.startswith(b"HTTP/1."):
                raise BadAnswerError("ended without an answer")
        except (OSError, ssl.SSLError, struct.error, BadAnswerError) as error:
            self._clock.look()
            self.bad(attempt, cause(error))
        else:
            self.good(attempt)

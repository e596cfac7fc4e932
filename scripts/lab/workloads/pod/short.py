"""Short flows: requests, each over its own connection, and name lookups."""

import asyncio

from .clock import Clock
from .flows import Attempt, Scheduled
from .names import NoAddressError, lookup
from .records import Flow, Journal


class BadAnswerError(ValueError):
    """The answer is not valid."""


class _Exchange(asyncio.Protocol):
    """Sends one GET and collects everything up to the end of the connection."""

    def __init__(self, host: str) -> None:
        self._request = f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
        self._received = b""
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._received += data

    def connection_lost(self, exc: Exception | None) -> None:
        if self.answer.done():
            return
        if exc:
            self.answer.set_exception(exc)
        else:
            self.answer.set_result(self._received)


def read_answer(received: bytes) -> dict[str, str]:
    """The headers of a complete answer with status 200."""
    head, separator, body = received.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if not separator or len(body) != int(headers.get("content-length", "-1")):
        raise BadAnswerError(f"cut short after {len(received)} bytes")
    if status.split()[1:2] != ["200"]:
        raise BadAnswerError(f"answered {status}")
    return headers


class Requests(Scheduled):
    """A flow with a GET every interval to one address."""

    def __init__(
        self, flow: Flow, *, host: str, port: int, interval_seconds: float, clock: Clock, journal: Journal
    ) -> None:
        super().__init__(flow, interval_seconds=interval_seconds, clock=clock, journal=journal)
        self._host = host
        self._port = port

    async def attempt(self, attempt: Attempt) -> None:
        """One request."""
        transport, exchange = await asyncio.get_running_loop().create_connection(
            lambda: _Exchange(self._host), self.flow.address, self._port
        )
        attempt.stage = "answer"
        try:
            headers = read_answer(await exchange.answer)
        finally:
            transport.abort()
        self.met(peer=headers.get("x-pod", ""), node=headers.get("x-node", ""))
        if headers.get("x-terminating") == "yes":
            self.peer_terminates()


class Lookups(Scheduled):
    """A flow with a lookup of one name every interval; remembers the latest addresses."""

    def __init__(
        self, flow: Flow, *, server: tuple[str, int], interval_seconds: float, clock: Clock, journal: Journal
    ) -> None:
        super().__init__(flow, interval_seconds=interval_seconds, clock=clock, journal=journal)
        self._server = server
        self.addresses: tuple[str, ...] = ()

    async def attempt(self, attempt: Attempt) -> None:
        """One lookup; an answer without an address does not change the latest ones."""
        attempt.stage = "answer"
        try:
            self.addresses = await lookup(self.flow.target, server=self._server)
        except NoAddressError as error:
            raise BadAnswerError(str(error)) from error

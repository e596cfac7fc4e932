"""The probe's server: its identity by HTTP, answers to beats of long connections, and their orderly end.

A beat is a line with a number and, for full-size packets, padding. The answer repeats the number, with its time of
arrival on this process's clock and the length of a pause of this process just before, both in milliseconds.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from .clock import Clock
from .flows.receiver import Receiver
from .records.signing import HEADER

LARGEST_PADDING = 16 << 10
LONGEST_RECORD = 32 << 10
_LONGEST_HEAD = 8 << 10
_LONGEST_LINE = 64 << 10
_REQUEST_SECONDS = 10.0
# The memory for unknown clients is bounded: the oldest connections are closed, as those of probes are brief.
_MOST_REQUESTS = 1024
_MOST_RECORDS_AT_ONCE = 32
_MOST_ECHOES = 2048
_MOST_HELD_BYTES = 8 << 20
_MOST_UNREAD_BYTES = 256 << 10
_BACKLOG = 1024  # connections to a paused process wait here: its kernel answers, which proves that the network works
_PAUSE_TOLD_SECONDS = 10.0


@dataclass
class Server:
    """The server's state; `metrics` makes the text for a scraper, `inherit` takes a terminating pod's final line."""

    pod: str
    node: str
    metrics: Callable[[], str]
    inherit: Callable[[bytes, str, str], bool]
    clock: Clock | None = None
    terminating: bool = False
    paused_at: float = 0.0
    paused_ms: float = 0.0
    echoes: dict[EchoConnection, None] = field(default_factory=dict)  # the oldest first, as in the others
    requests: dict[HttpConnection, None] = field(default_factory=dict)
    records: dict[HttpConnection, None] = field(default_factory=dict)
    held_bytes: int = 0

    def now(self) -> float:
        """The monotonic time, after a check for a pause of this process."""
        assert self.clock
        return self.clock.look()

    @property
    def held_ms(self) -> float:
        """The length of a pause of this process just before this moment, in milliseconds."""
        return self.clock.held * 1000 if self.clock else 0.0

    def say(self, word: bytes) -> None:
        """Send a word on every long connection."""
        for echo in list(self.echoes):
            echo.say(word)

    def whoami(self, peer: str, padding: int) -> bytes:
        """The identity of this pod and the address of its client, as JSON."""
        said: dict[str, Any] = {"pod": self.pod, "node": self.node, "peer": peer}
        if self.terminating:
            said["terminating"] = True
        ago = self.now() - self.paused_at
        if self.paused_ms and ago < _PAUSE_TOLD_SECONDS:
            said["paused_ms"], said["paused_ago_ms"] = round(self.paused_ms), round(ago * 1000)
        if padding:
            said["padding"] = "x" * min(padding, LARGEST_PADDING)
        return json.dumps(said).encode()

    def make_room(self) -> None:
        """Close the oldest connections if there are more than our own probes need."""
        while len(self.requests) > _MOST_REQUESTS:
            next(iter(self.requests)).cut()
        while len(self.records) > _MOST_RECORDS_AT_ONCE:
            next(iter(self.records)).cut()
        while len(self.echoes) > _MOST_ECHOES:
            next((each for each in self.echoes if not each.beats), next(reversed(self.echoes))).cut()
        if self.held_bytes > _MOST_HELD_BYTES:
            max(self.echoes, key=lambda each: each.held).cut()

    def answer(self, request: Request, *, peer: str, receiver: str) -> tuple[str, str, bytes]:
        """(status, content type, body) for a request."""
        try:
            url = urlsplit(request.target)
        except ValueError:
            return "400 Bad Request", "text/plain", b""
        if url.path == "/metrics":
            return "200 OK", "text/plain; version=0.0.4; charset=utf-8", self.metrics().encode()
        if url.path == "/inherit":
            taken = request.is_record and not self.terminating and self.inherit(request.body, request.signed, receiver)
            return ("200 OK" if taken else "409 Conflict"), "text/plain", b""
        if url.path == "/ready" and self.terminating:
            return "503 Service Unavailable", "text/plain", b"terminating\n"
        size = parse_qs(url.query).get("bytes", ["0"])[0]
        return "200 OK", "application/json", self.whoami(peer, _size(size))

    async def start(self, address: str, *, http: int, echo: int) -> list[asyncio.AbstractServer]:
        """Start serving on two ports."""
        loop = asyncio.get_running_loop()
        return [
            await loop.create_server(lambda: HttpConnection(self), address, http, backlog=_BACKLOG, reuse_address=True),
            await loop.create_server(lambda: EchoConnection(self), address, echo, backlog=_BACKLOG, reuse_address=True),
        ]


def _size(text: str) -> int:
    """A number of bytes in a text; 0 if it is no number, or far too large."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0


@dataclass(frozen=True)
class Request:
    """The head of a request, and as much of its body as there is."""

    method: str
    target: str
    length: int
    signed: str
    body: bytes

    @classmethod
    def read(cls, received: bytes) -> Request | None:
        """The request; None as long as its head is incomplete."""
        head, end, body = received.partition(b"\r\n\r\n")
        if not end:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        words = first.split()
        method, target = (words[0], words[1]) if len(words) > 1 else ("GET", "/")
        said = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return cls(method, target, _size(said.get("content-length", "0")), said.get(HEADER, ""), body)

    @property
    def is_record(self) -> bool:
        """True if it hands over a record, and so may be long."""
        return self.method == "POST" and self.target == "/inherit" and self.length <= LONGEST_RECORD


class HttpConnection(Receiver):
    """One request and its answer, limited in time."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._received = b""
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport for the answer."""
        self._transport = cast("asyncio.Transport", transport)
        self._timer = asyncio.get_running_loop().call_later(_REQUEST_SECONDS, self.cut)
        self._server.requests[self] = None
        self._server.make_room()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (the base class has it)
        """Forget the connection."""
        self._forget()

    def _forget(self) -> None:
        self._received = b""
        self._server.requests.pop(self, None)
        self._server.records.pop(self, None)
        if self._timer:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        """Answer as soon as the request is complete."""
        assert self._transport
        if self._transport.is_closing():
            return
        self._received += data
        request = Request.read(self._received)
        if request is None or len(request.body) < request.length:
            if len(self._received) > _LONGEST_HEAD + (LONGEST_RECORD if request and request.is_record else 0):
                self.cut()
            elif request and request.is_record:
                self._server.records[self] = None
                self._server.make_room()
            return
        peer, receiver = ((self._transport.get_extra_info(name) or ("",))[0] for name in ("peername", "sockname"))
        status, kind, answer = self._server.answer(request, peer=peer, receiver=receiver)
        self._received = b""
        self._transport.write(
            f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(answer)}\r\n"
            "connection: close\r\n\r\n".encode()
            + answer
        )
        self._transport.close()

    def cut(self) -> None:
        """Close without an answer."""
        self._forget()
        if self._transport:
            self._transport.abort()


class EchoConnection(Receiver):
    """One long connection: sends hello, answers every beat, sends goodbye."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._partial = b""
        self._transport: asyncio.Transport | None = None
        self.beats = False

    @property
    def held(self) -> int:
        """Bytes of an incomplete beat."""
        return len(self._partial)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Tell the peer which pod and node it reached."""
        self._transport = cast("asyncio.Transport", transport)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._server.echoes[self] = None
        self._server.make_room()
        self.say(b"hello %s %s" % (self._server.pod.encode(), self._server.node.encode()))
        if self._server.terminating:
            self.say(b"terminating")

    def data_received(self, data: bytes) -> None:
        """Answer every complete beat."""
        arrived, held = self._server.now() * 1000, self._server.held_ms
        if self._partial:
            data = self._partial + data
        *beats, rest = data.split(b"\n")
        self._hold(rest)
        if len(rest) > _LONGEST_LINE or self._unread > _MOST_UNREAD_BYTES:
            self.cut()
            return
        self.beats = self.beats or bool(beats)
        self._server.make_room()
        if self._transport and beats and not self._transport.is_closing():
            answers = []
            for beat in beats:
                number, _, padding = beat.partition(b" ")
                answers.append(b"%s %d %d %s\n" % (number, arrived, held, padding))
            self._transport.write(b"".join(answers))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (the base class has it)
        """Forget the connection."""
        self._forget()

    def _forget(self) -> None:
        self._hold(b"")
        self._server.echoes.pop(self, None)

    def _hold(self, rest: bytes) -> None:
        self._server.held_bytes += len(rest) - len(self._partial)
        self._partial = rest

    @property
    def _unread(self) -> int:
        return self._transport.get_write_buffer_size() if self._transport else 0

    def say(self, word: bytes) -> None:
        """Send a line, unless the connection is closing."""
        if self._transport and not self._transport.is_closing():
            self._transport.write(word + b"\n")

    def end(self) -> None:
        """Send goodbye; the peer closes the connection, as a reset for a beat under way could overtake it."""
        self.say(b"goodbye")

    def cut(self) -> None:
        """Close without waiting for the peer."""
        self._forget()
        if self._transport:
            self._transport.abort()

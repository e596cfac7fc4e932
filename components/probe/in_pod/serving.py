"""What the probe answers: who and where it is by HTTP, and every beat of a long connection, with an orderly end.

A beat is a line of a number and, for full-size packets, padding. The answer gives the number back with the
millisecond of this process's clock at which it came and the milliseconds that this process had not run before.
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
from .receiver import Receiver

LARGEST_PADDING = 1 << 20
LONGEST_RECORD = 32 << 10
_LONGEST_LINE = 64 << 10
_BACKLOG = 1024  # a stopped process's connections wait here: the kernel answers, and the network is seen to work
_PAUSE_TOLD_SECONDS = 10.0


@dataclass
class Server:
    """Who answers; `metrics` gives the text for a scraper, `inherit` takes the last record of a pod that ends."""

    pod: str
    node: str
    metrics: Callable[[], str]
    inherit: Callable[[str], bool]
    clock: Clock | None = None
    terminating: bool = False
    paused_at: float = 0.0
    paused_ms: float = 0.0
    echoes: set[EchoConnection] = field(default_factory=set)

    def now(self) -> float:
        """The monotonic time, after a look whether this process was stopped."""
        assert self.clock
        return self.clock.look()

    @property
    def held_ms(self) -> float:
        """How long this process did not run just before this moment."""
        return self.clock.held * 1000 if self.clock else 0.0

    def say(self, word: bytes) -> None:
        """Tell it on every long connection."""
        for echo in list(self.echoes):
            echo.say(word)

    def whoami(self, peer: str, padding: int) -> bytes:
        """Who answers, to whom."""
        said: dict[str, Any] = {"pod": self.pod, "node": self.node, "peer": peer}
        if self.terminating:
            said["terminating"] = True
        ago = self.now() - self.paused_at
        if self.paused_ms and ago < _PAUSE_TOLD_SECONDS:
            said["paused_ms"], said["paused_ago_ms"] = round(self.paused_ms), round(ago * 1000)
        if padding:
            said["padding"] = "x" * min(padding, LARGEST_PADDING)
        return json.dumps(said).encode()

    def answer(self, method: str, target: str, *, peer: str, body: bytes) -> tuple[str, str, bytes]:
        """(status, content type, body) for a request."""
        url = urlsplit(target)
        if url.path == "/metrics":
            return "200 OK", "text/plain; version=0.0.4; charset=utf-8", self.metrics().encode()
        if url.path == "/inherit":
            taken = method == "POST" and not self.terminating and self.inherit(body.decode(errors="replace"))
            return ("200 OK" if taken else "409 Conflict"), "text/plain", b""
        if url.path == "/ready" and self.terminating:
            return "503 Service Unavailable", "text/plain", b"terminating\n"
        size = parse_qs(url.query).get("bytes", ["0"])[0]
        return "200 OK", "application/json", self.whoami(peer, int(size) if size.isdigit() else 0)

    async def start(self, address: str, *, http: int, echo: int) -> list[asyncio.AbstractServer]:
        """Begin to serve on two ports."""
        loop = asyncio.get_running_loop()
        return [
            await loop.create_server(lambda: HttpConnection(self), address, http, backlog=_BACKLOG, reuse_address=True),
            await loop.create_server(lambda: EchoConnection(self), address, echo, backlog=_BACKLOG, reuse_address=True),
        ]


class HttpConnection(Receiver):
    """One request and its answer."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to answer."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer as soon as the request is whole."""
        assert self._transport
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if len(self._received) > LONGEST_RECORD + _LONGEST_LINE:
            self._transport.abort()
            return
        if not end:
            return
        lines = head.decode("latin-1").split("\r\n")
        length = next((line.split(":")[1].strip() for line in lines if line.lower().startswith("content-length:")), "0")
        if len(body) < (int(length) if length.isdigit() else 0):
            return
        words = lines[0].split()
        method, target = (words[0], words[1]) if len(words) > 1 else ("GET", "/")
        peer = (self._transport.get_extra_info("peername") or ("",))[0]
        status, kind, answer = self._server.answer(method, target, peer=peer, body=body)
        self._transport.write(
            f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(answer)}\r\n"
            "connection: close\r\n\r\n".encode()
            + answer
        )
        self._transport.close()


class EchoConnection(Receiver):
    """One long connection: says hello, gives back every beat, says goodbye."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._partial = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Tell the peer whom it reached."""
        self._transport = cast("asyncio.Transport", transport)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._server.echoes.add(self)
        self.say(b"hello %s %s" % (self._server.pod.encode(), self._server.node.encode()))
        if self._server.terminating:
            self.say(b"terminating")

    def data_received(self, data: bytes) -> None:
        """Answer every whole beat."""
        arrived, held = self._server.now() * 1000, self._server.held_ms
        if self._partial:
            data = self._partial + data
        *beats, self._partial = data.split(b"\n")
        if len(self._partial) > _LONGEST_LINE:
            self.cut()
            return
        if self._transport and beats and not self._transport.is_closing():
            answers = []
            for beat in beats:
                number, _, padding = beat.partition(b" ")
                answers.append(b"%s %d %d %s\n" % (number, arrived, held, padding))
            self._transport.write(b"".join(answers))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (the base class has it)
        """Forget the connection."""
        self._server.echoes.discard(self)

    def say(self, word: bytes) -> None:
        """Send a line, unless the connection is on its way out."""
        if self._transport and not self._transport.is_closing():
            self._transport.write(word + b"\n")

    def end(self) -> None:
        """Say goodbye; the peer ends the connection, as a reset for a beat under way could overtake the word."""
        self.say(b"goodbye")

    def cut(self) -> None:
        """Close without waiting for the peer."""
        if self._transport:
            self._transport.abort()

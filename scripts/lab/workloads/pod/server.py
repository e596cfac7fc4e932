"""The server of every sample workload: HTTP on 8080 and a TCP echo on 8081, with an orderly end.

On SIGTERM it fails its readiness probe and serves on for LAME_DUCK_SECONDS, then sends a goodbye on every echo
connection, so that a client can distinguish this end from a loss.
"""

import asyncio
import os
import signal
import socket
from dataclasses import dataclass, field

from .clock import Clock

GOODBYE = b"goodbye\n"
_GOODBYE_SECONDS = 2.0
_LONGEST_REQUEST_BYTES = 8192


@dataclass(kw_only=True)
class Server:
    """The server's identity, and whether it is terminating."""

    pod: str
    node: str
    lame_duck_seconds: float
    terminating: bool = False
    echoes: set["EchoConnection"] = field(default_factory=set)

    def answer(self, path: str) -> bytes:
        """The whole HTTP answer to a GET of `path`."""
        status = "503 Service Unavailable" if path == "/ready" and self.terminating else "200 OK"
        body = f"{self.pod} on {self.node}\n"
        return (
            f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
            f"x-pod: {self.pod}\r\nx-node: {self.node}\r\n"
            f"x-terminating: {'yes' if self.terminating else 'no'}\r\n\r\n{body}"
        ).encode()

    def tell_pause(self, seconds: float) -> None:
        """Tell every echo client that the last silence was a pause of this process."""
        for echo in self.echoes:
            echo.say(f"paused {seconds * 1000:.0f}\n".encode())


class HttpConnection(asyncio.Protocol):
    """One request and its answer."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._request = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport for the answer."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer as soon as the request is complete."""
        assert self._transport
        self._request += data
        if b"\r\n\r\n" in self._request:
            words = self._request.split(b"\r\n", 1)[0].split()
            self._transport.write(self._server.answer(words[1].decode("latin-1") if len(words) > 1 else "/"))
            self._transport.close()
        elif len(self._request) > _LONGEST_REQUEST_BYTES:
            self._transport.abort()


class EchoConnection(asyncio.Protocol):
    """One long-lived connection: says hello, echoes all data, says goodbye."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._ending = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Tell the client which pod it reached."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.echoes.add(self)
        transport.write(f"hello {self._server.pod} {self._server.node}\n".encode())

    def data_received(self, data: bytes) -> None:
        """Echo the data."""
        self.say(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - of the base class
        """Forget the connection."""
        self._server.echoes.discard(self)

    def say(self, words: bytes) -> None:
        """Send, unless the connection is closing."""
        if self._transport and not self._ending and not self._transport.is_closing():
            self._transport.write(words)

    def end(self) -> None:
        """Say goodbye and end this half; the client ends the other."""
        self.say(GOODBYE)
        self._ending = True
        # An immediate close would answer a beat in flight with a reset, which can overtake the goodbye.
        if self._transport and not self._transport.is_closing():
            self._transport.write_eof()

    def cut(self) -> None:
        """Close without waiting for the client."""
        if self._transport:
            self._transport.abort()


async def serve(server: Server, *, http: socket.socket, echo: socket.socket) -> None:
    """Serve on two bound sockets until SIGTERM, and then until the orderly end is complete."""
    loop = asyncio.get_running_loop()
    told_to_end = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, told_to_end.set)
    listeners = [
        await loop.create_server(lambda: HttpConnection(server), sock=http),
        await loop.create_server(lambda: EchoConnection(server), sock=echo),
    ]
    heart = loop.create_task(Clock().run(lambda _: None, on_pause=server.tell_pause))
    await told_to_end.wait()
    server.terminating = True
    print(f"{server.pod}: terminating, serving on for {server.lame_duck_seconds} s", flush=True)
    await asyncio.sleep(server.lame_duck_seconds)
    for listener in listeners:
        listener.close()
    for connection in list(server.echoes):
        connection.end()
    deadline = loop.time() + _GOODBYE_SECONDS
    while server.echoes and loop.time() < deadline:
        await asyncio.sleep(0.02)
    heart.cancel()
    for connection in list(server.echoes):
        connection.cut()


def main() -> None:
    """Serve with settings from the environment: POD, NODE, ADDRESS, HTTP_PORT, ECHO_PORT, LAME_DUCK_SECONDS."""
    address = os.environ.get("ADDRESS", "0.0.0.0")  # noqa: S104 - a pod's own address is not known beforehand
    server = Server(
        pod=os.environ["POD"],
        node=os.environ["NODE"],
        lame_duck_seconds=float(os.environ.get("LAME_DUCK_SECONDS", "3")),
    )
    http = socket.create_server((address, int(os.environ.get("HTTP_PORT", "8080"))), backlog=128)
    echo = socket.create_server((address, int(os.environ.get("ECHO_PORT", "8081"))), backlog=128)
    print(f"{server.pod} on {server.node}: serving", flush=True)
    asyncio.run(serve(server, http=http, echo=echo))


if __name__ == "__main__":
    main()

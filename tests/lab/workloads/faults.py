"""Faults on loopback: a forwarder that holds, resets, refuses or delays, a name server, and the real programs."""

import asyncio
import contextlib
import json
import os
import socket
import struct
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import cast

from scripts.lab.paths import CHECKOUT
from scripts.lab.workloads.pod.client import Target
from scripts.lab.workloads.pod.names import encode_name

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


def free_port(address: str) -> int:
    """A port that was free a moment ago."""
    with socket.create_server((address, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@dataclass(kw_only=True)
class Forwarder:
    """Forwards TCP from `address` to `upstream` on one port, until it is told to misbehave."""

    address: str
    upstream: str
    port: int
    delay_seconds: float = 0.0
    _open: asyncio.Event = field(default_factory=asyncio.Event)
    _listener: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def start(self) -> None:
        self._open.set()
        self._listener = await asyncio.start_server(self._accept, self.address, self.port)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(self.delay_seconds)
        await self._open.wait()
        try:
            far_reader, far_writer = await asyncio.open_connection(self.upstream, self.port)
        except OSError:
            self._reset(writer)
            return
        self._writers |= {writer, far_writer}
        await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
        self._writers -= {writer, far_writer}

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await self._open.wait()
                writer.write(data)
            await self._open.wait()
            writer.write_eof()
        if reader.exception():
            self._reset(writer)

    def _reset(self, writer: asyncio.StreamWriter) -> None:
        if not writer.is_closing():
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            writer.transport.abort()

    def reset(self) -> None:
        """Cut every connection with a reset."""
        for writer in list(self._writers):
            self._reset(writer)

    async def hold(self, seconds: float) -> float:
        """Let nothing through, as lost packets would, and deliver it afterwards; how long it was really."""
        started = time.monotonic()
        self._open.clear()
        await asyncio.sleep(seconds)
        self._open.set()
        return time.monotonic() - started

    async def refuse(self, seconds: float) -> None:
        """Cut every connection and refuse new ones."""
        assert self._listener
        self._listener.close()
        self.reset()
        await asyncio.sleep(seconds)
        await self.start()

    async def delay(self, seconds: float, *, during: float) -> None:
        """Answer the connections that begin in a time late."""
        self.delay_seconds = seconds
        await asyncio.sleep(during)
        self.delay_seconds = 0.0


class NameServer(asyncio.DatagramProtocol):
    """Answers with the addresses in `names`; silent about a name that it does not know."""

    def __init__(self) -> None:
        self.names: dict[str, tuple[str, ...]] = {}
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        assert self._transport
        question = data[12:]
        for name, addresses in self.names.items():
            if question.startswith(encode_name(name)):
                head = data[:2] + struct.pack("!HHHHH", 0x8180, 1, len(addresses), 0, 0)
                answers = [b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 5, 4) + socket.inet_aton(one) for one in addresses]
                self._transport.sendto(head + question + b"".join(answers), addr)


@asynccontextmanager
async def name_server() -> AsyncIterator[tuple[NameServer, str]]:
    """A name server, and where it listens."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(NameServer, local_addr=("127.0.0.1", 0))
    host, port = transport.get_extra_info("sockname")
    try:
        yield server, f"{host}:{port}"
    finally:
        transport.close()


class Programs:
    """The real programs, each a process; those still running at the end are ended in order, the clients first."""

    def __init__(self) -> None:
        self._started: list[asyncio.subprocess.Process] = []

    async def __aenter__(self) -> "Programs":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in reversed(self._started):
            await self.stop(process)

    async def stop(self, process: asyncio.subprocess.Process) -> None:
        """End one in order."""
        if process.returncode is None:
            process.terminate()
        await process.wait()

    async def _start(self, module: str, environment: dict[str, str]) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-u",
            "-m",
            f"scripts.lab.workloads.pod.{module}",
            cwd=CHECKOUT,
            env={**os.environ, **environment},
        )
        self._started.append(process)
        return process

    async def server(
        self, pod: str, *, address: str, http_port: int, echo_port: int, lame_duck_seconds: float = 1.0
    ) -> asyncio.subprocess.Process:
        """A server that accepts already."""
        process = await self._start(
            "server",
            {
                "POD": pod,
                "NODE": f"node-of-{pod}",
                "ADDRESS": address,
                "HTTP_PORT": str(http_port),
                "ECHO_PORT": str(echo_port),
                "LAME_DUCK_SECONDS": str(lame_duck_seconds),
            },
        )
        while process.returncode is None:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection(address, echo_port)
                writer.close()
                return process
            await asyncio.sleep(0.02)
        raise RuntimeError(f"the server {pod} ended with {process.returncode}")

    async def client(
        self, name: str, targets: Sequence[Target], *, records: Path, name_server: str = "127.0.0.1:9"
    ) -> asyncio.subprocess.Process:
        """A client that has written a summary already."""
        process = await self._start(
            "client",
            {
                "CLIENT": name,
                "POD": f"{name}-0",
                "NODE": f"node-of-{name}",
                "RECORDS": str(records),
                "NAME_SERVER": name_server,
                "TARGETS": json.dumps([asdict(target) for target in targets]),
            },
        )
        path = records / f"{name}-0.jsonl"
        while process.returncode is None:
            if path.exists() and b"summary" in path.read_bytes():
                return process
            await asyncio.sleep(0.02)
        raise RuntimeError(f"the client {name} ended with {process.returncode}")

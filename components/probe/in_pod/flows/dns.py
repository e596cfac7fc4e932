"""DNS lookups without cache or retry, one datagram each, so that no lost packet is hidden."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path

_HEADER = struct.Struct("!HHHHHH")
_RECORD = struct.Struct("!HHIH")
_QUESTION_TAIL = struct.pack("!HH", 1, 1)
_RECURSION_DESIRED, _TRUNCATED = 0x0100, 0x0200
_ADDRESS_RECORD = 1
_TCP_SECONDS = 3.0
_LONGEST_DATAGRAM = 4096


class NoAddressError(Exception):
    """An answer of the name server without an address."""


class TruncatedError(Exception):
    """An answer that did not fit into a datagram."""


def resolver(resolv_conf: Path = Path("/etc/resolv.conf")) -> tuple[str, str]:
    """The pod's name server, and the domain of its namespace's Services (such as `ours.svc.cluster.local`)."""
    server = domain = ""
    for line in resolv_conf.read_text().splitlines():
        words = line.split()
        if words[:1] == ["nameserver"] and not server:
            server = words[1]
        elif words[:1] == ["search"]:
            domain = next((word for word in words[1:] if ".svc." in f"{word}."), words[1] if words[1:] else "")
    return server, domain


def question(name: str) -> bytes:
    """A query for the IPv4 addresses of a full name, with a random ID."""
    labels = [label.encode() for label in name.rstrip(".").split(".")]
    encoded = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    return os.urandom(2) + _HEADER.pack(0, _RECURSION_DESIRED, 1, 0, 0, 0)[2:] + encoded + _QUESTION_TAIL


def _after_name(message: bytes, at: int) -> int:
    while message[at]:
        if message[at] >= 0xC0:
            return at + 2
        at += 1 + message[at]
    return at + 1


def addresses(message: bytes) -> tuple[str, ...]:
    """The IPv4 addresses of an answer; raises NoAddressError or TruncatedError."""
    try:
        _, flags, questions, answers, _, _ = _HEADER.unpack_from(message)
        if flags & 0xF:
            raise NoAddressError(f"the name server answered code {flags & 0xF}")
        if flags & _TRUNCATED:
            raise TruncatedError
        at = _HEADER.size
        for _ in range(questions):
            at = _after_name(message, at) + len(_QUESTION_TAIL)
        found = []
        for _ in range(answers):
            at = _after_name(message, at)
            kind, _, _, length = _RECORD.unpack_from(message, at)
            at += _RECORD.size
            if kind == _ADDRESS_RECORD:
                found.append(socket.inet_ntoa(message[at : at + length]))
            at += length
    except (struct.error, IndexError, OSError) as error:
        raise NoAddressError("the name server's answer makes no sense") from error
    if not found:
        raise NoAddressError("the name server answered no address")
    return tuple(sorted(found))


class Query:
    """One query from a port of its own, as from a new process; `done` gets the answer or the error."""

    def __init__(self, name: str, *, server: tuple[str, int], done: Callable[[bytes | OSError], None]) -> None:
        self._done = done
        self._question = question(name)
        self._loop = asyncio.get_running_loop()
        self._socket: socket.socket | None = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            self._socket.connect(server)
            self._socket.send(self._question)
        except OSError as error:
            self.close()
            self._loop.call_soon(done, error)
            return
        self._loop.add_reader(self._socket, self._readable)

    def _readable(self) -> None:
        if self._socket is None:
            return
        result: bytes | OSError
        try:
            result = self._socket.recv(_LONGEST_DATAGRAM)
            if result[:2] != self._question[:2]:
                return
        except BlockingIOError:
            return
        except OSError as error:
            result = error
        self.close()
        self._done(result)

    def close(self) -> None:
        """Stop waiting for the answer."""
        if self._socket is not None:
            self._loop.remove_reader(self._socket)
            self._socket.close()
            self._socket = None


async def _by_datagram(name: str, *, server: tuple[str, int]) -> bytes:
    answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def done(result: bytes | OSError) -> None:
        if not answer.done():
            answer.set_exception(result) if isinstance(result, OSError) else answer.set_result(result)

    query = Query(name, server=server, done=done)
    try:
        return await asyncio.wait_for(answer, _TCP_SECONDS)
    finally:
        query.close()


async def _by_connection(name: str, *, server: tuple[str, int]) -> bytes:
    reader, writer = await asyncio.open_connection(*server)
    try:
        message = question(name)
        writer.write(struct.pack("!H", len(message)) + message)
        (length,) = struct.unpack("!H", await reader.readexactly(2))
        return await reader.readexactly(length)
    finally:
        writer.close()


async def lookup(name: str, *, server: tuple[str, int]) -> tuple[str, ...]:
    """All addresses of a full name, by TCP if a datagram is too small for them.

    Raises OSError, NoAddressError or TimeoutError.
    """
    try:
        return addresses(await _by_datagram(name, server=server))
    except TruncatedError:
        message = await asyncio.wait_for(_by_connection(name, server=server), _TCP_SECONDS)
    try:
        return addresses(message)
    except TruncatedError as error:
        raise NoAddressError("the name server cut its answer short") from error

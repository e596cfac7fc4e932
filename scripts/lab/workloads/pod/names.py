"""A name lookup with a single datagram, without retries or a search list, which would hide a lost packet."""

import asyncio
import secrets
import struct
from pathlib import Path
from typing import cast

_HEADER = struct.Struct("!HHHHHH")
_QUESTION_TAIL = struct.pack("!HH", 1, 1)
_RECORD = struct.Struct("!HHIH")
_RECURSION_DESIRED = 0x0100
_ADDRESS_RECORD = 1


class NoAddressError(Exception):
    """The name server answered without an address."""


def name_server(resolv_conf: Path = Path("/etc/resolv.conf")) -> tuple[str, int]:
    """The first name server of the pod."""
    for line in resolv_conf.read_text().splitlines():
        words = line.split()
        if words[:1] == ["nameserver"]:
            return words[1], 53
    raise LookupError(f"no nameserver in {resolv_conf}")


def encode_name(name: str) -> bytes:
    """A name in DNS format: each label preceded by its length."""
    labels = [label.encode() for label in name.rstrip(".").split(".")]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def _after_name(message: bytes, at: int) -> int:
    while length := message[at]:
        if length >= 0xC0:
            return at + 2
        at += 1 + length
    return at + 1


def decode_answer(message: bytes) -> tuple[str, ...]:
    """The IPv4 addresses of an answer, sorted."""
    _, flags, questions, answers, _, _ = _HEADER.unpack_from(message)
    if code := flags & 0xF:
        raise NoAddressError(f"the name server answered code {code}")
    at = _HEADER.size
    for _ in range(questions):
        at = _after_name(message, at) + len(_QUESTION_TAIL)
    addresses = []
    for _ in range(answers):
        at = _after_name(message, at)
        kind, _, _, length = _RECORD.unpack_from(message, at)
        at += _RECORD.size
        if kind == _ADDRESS_RECORD:
            addresses.append(".".join(str(byte) for byte in message[at : at + length]))
        at += length
    if not addresses:
        raise NoAddressError("the name server answered no address")
    return tuple(sorted(addresses))


class _Query(asyncio.DatagramProtocol):
    def __init__(self, name: str) -> None:
        self._identity = secrets.randbits(16)
        header = _HEADER.pack(self._identity, _RECURSION_DESIRED, 1, 0, 0, 0)
        self._message = header + encode_name(name) + _QUESTION_TAIL
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast, as the loop's own datagram transport is not an asyncio.DatagramTransport in Python 3.11.
        cast("asyncio.DatagramTransport", transport).sendto(self._message)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:  # noqa: ARG002 - of the base class
        if not self.answer.done() and len(data) >= _HEADER.size and data[:2] == self._identity.to_bytes(2):
            self.answer.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(exc)


async def lookup(name: str, *, server: tuple[str, int]) -> tuple[str, ...]:
    """The addresses of the full `name`, with one datagram from a new port, as a new process would send it."""
    loop = asyncio.get_running_loop()
    transport, query = await loop.create_datagram_endpoint(lambda: _Query(name), remote_addr=server)
    try:
        return decode_answer(await query.answer)
    except (struct.error, IndexError) as error:
        raise NoAddressError("the name server's answer makes no sense") from error
    finally:
        transport.close()

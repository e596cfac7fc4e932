"""Receives without a new buffer for each packet: asyncio's own are so large that the kernel maps and unmaps them."""

from __future__ import annotations

import asyncio
from abc import abstractmethod

# One for all: whatever comes is taken out before anything else can come.
_BUFFER = memoryview(bytearray(64 << 10))


class Receiver(asyncio.BufferedProtocol):
    """A protocol with `data_received`, as asyncio.Protocol has it, at half the processor time a small packet."""

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 (the base class has it)
        """Where the next bytes go."""
        return _BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        """Hand them on."""
        self.data_received(bytes(_BUFFER[:nbytes]))

    @abstractmethod
    def data_received(self, data: bytes) -> None:
        """Some bytes came."""

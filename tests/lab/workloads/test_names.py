"""Lookups against a name server on loopback, good and bad."""

import asyncio

import pytest

from scripts.lab.workloads.pod.names import NoAddressError, decode_answer, lookup
from tests.lab.workloads.faults import name_server


async def _look_up(name: str) -> tuple[str, ...]:
    async with name_server() as (names, listens):
        names.names = {"web.test": ("127.0.0.9", "10.0.0.1"), "empty.test": ()}
        host, _, port = listens.partition(":")
        return await asyncio.wait_for(lookup(name, server=(host, int(port))), 5)


def test_all_addresses_are_found() -> None:
    assert asyncio.run(_look_up("web.test.")) == ("10.0.0.1", "127.0.0.9")


def test_no_address_is_a_failure() -> None:
    with pytest.raises(NoAddressError, match="no address"):
        asyncio.run(_look_up("empty.test"))


def test_an_error_code_is_a_failure() -> None:
    with pytest.raises(NoAddressError, match="code 3"):
        decode_answer(b"\0\1\x81\x83" + bytes(8))

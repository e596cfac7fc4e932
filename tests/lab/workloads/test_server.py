"""The server's orderly end: unready at once, serving on, goodbye, gone."""

import asyncio

from tests.lab.workloads.faults import Programs, free_port


async def _get(address: str, port: int, path: str) -> str:
    reader, writer = await asyncio.open_connection(address, port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return answer.decode()


async def _end_in_order(programs: Programs) -> None:
    address = "127.0.4.1"
    http_port, echo_port = free_port(address), free_port(address)
    server = await programs.server(
        "web-0", address=address, http_port=http_port, echo_port=echo_port, lame_duck_seconds=1.0
    )
    assert (await _get(address, http_port, "/ready")).startswith("HTTP/1.1 200")
    answer = await _get(address, http_port, "/")
    assert "x-pod: web-0\r\nx-node: node-of-web-0\r\nx-terminating: no\r\n" in answer
    reader, writer = await asyncio.open_connection(address, echo_port)
    assert await reader.readline() == b"hello web-0 node-of-web-0\n"
    server.terminate()
    await asyncio.sleep(0.4)
    assert (await _get(address, http_port, "/ready")).startswith("HTTP/1.1 503")
    assert (await _get(address, http_port, "/healthz")).startswith("HTTP/1.1 200")
    assert "x-terminating: yes" in await _get(address, http_port, "/")
    writer.write(b"beat\n")
    assert await reader.readline() == b"beat\n"
    assert await asyncio.wait_for(reader.read(), 5) == b"goodbye\n"
    assert server.returncode is None
    writer.close()
    assert await asyncio.wait_for(server.wait(), 5) == 0


async def _with_programs() -> None:
    async with Programs() as programs:
        await _end_in_order(programs)


def test_the_server_ends_in_order() -> None:
    asyncio.run(_with_programs())

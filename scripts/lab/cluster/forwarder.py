"""Makes the API server reachable on the host's loopback address."""

import asyncio
import contextlib
import socket

_PIECE = 1 << 16


def listen(preferred_port: int) -> socket.socket:
    """A socket on loopback, on the port that an earlier start had if it is still free.

    A socket stays in the network namespace that it was created in: opened before the supervisor leaves the host's
    network, it accepts connections there, which the supervisor then forwards into the lab.
    """
    for port in (preferred_port, 0):
        server = socket.socket()
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind(("127.0.0.1", port))
        except OSError:
            server.close()
            continue
        server.listen(128)
        return server
    raise OSError("no free port on 127.0.0.1")


async def serve(server: socket.socket, *, host: str, port: int) -> asyncio.Server:
    """Forward every connection to `host`:`port`."""

    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            up_reader, up_writer = await asyncio.open_connection(host, port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_pump(reader, up_writer), _pump(up_reader, writer))
        for side in (writer, up_writer):
            side.close()

    return await asyncio.start_server(accepted, sock=server)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    # Either side may end the connection in any way; the other side then learns that it has ended.
    with contextlib.suppress(OSError):
        while piece := await reader.read(_PIECE):
            writer.write(piece)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.write_eof()

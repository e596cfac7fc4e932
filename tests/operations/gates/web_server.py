"""Real servers on the loopback, with TLS or without, that answer as a test says and remember who asked."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from scripts.lab.simulated.certificates import make_certificates

Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Web:
    """One server: its address, and the headers and first lines of what it was asked."""

    url: str
    asked: list[tuple[str, str]] = field(default_factory=list)

    @property
    def authorizations(self) -> list[str]:
        return [who for _, who in self.asked]


def says(body: bytes | str, *, status: int = 200, **headers: str) -> Answer:
    """An answer with this body."""
    data = body.encode() if isinstance(body, str) else body

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    return answer


@contextmanager
def serving(answer: Answer, *, folder: Path | None = None, host: str = "127.0.0.1") -> Iterator[Web]:
    """A server of that answer; with TLS where there is a folder, whose `authority.crt` vouches for it."""
    seen: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append((self.requestline, self.headers.get("authorization", "")))
            try:
                answer(self)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        do_CONNECT = do_GET  # noqa: N815 (the protocol's name)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer((host, 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        scheme = "http"
        if folder:
            made = make_certificates(folder, service_address="10.96.0.1")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(made.server.certificate, made.server.key)
            server.socket = context.wrap_socket(server.socket, server_side=True)
            scheme = "https"
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield Web(url=f"{scheme}://{host}:{server.server_address[1]}", asked=seen)
        server.shutdown()

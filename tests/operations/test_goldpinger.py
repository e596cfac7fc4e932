"""The gate against a real HTTP endpoint that answers as Goldpinger does."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from components.operations.deadline import OperationError
from components.operations.goldpinger import assert_all_healthy

HEAD = "# HELP goldpinger_nodes_health_total Number of nodes seen as healthy/unhealthy\n# TYPE x gauge\n"


def line(status: str, number: str, instance: str = "a") -> str:
    return f'goldpinger_nodes_health_total{{goldpinger_instance="{instance}",status="{status}"}} {number}\n'


@contextmanager
def goldpinger(body: str, *, status: int = 200) -> Iterator[str]:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/metrics" else 404)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.parametrize("path", ["", "/", "/metrics"])
def test_healthy_nodes_open_it(path: str) -> None:
    with goldpinger(HEAD + line("healthy", "3") + line("unhealthy", "0")) as url:
        assert_all_healthy(url + path)


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        (line("healthy", "2") + line("unhealthy", "1"), 200, "sees 1 unhealthy nodes beside 2 healthy ones"),
        (line("healthy", "3") + line("unhealthy", "0") + line("unhealthy", "2e+00", "b"), 200, "sees 2 unhealthy"),
        (line("healthy", "0") + line("unhealthy", "0"), 200, "tells of no healthy node"),
        ("some_other_metric 1\n", 200, "tells of no healthy node"),
        ("", 500, "cannot be asked"),
    ],
)
def test_anything_else_closes_it(body: str, status: int, told: str) -> None:
    with goldpinger(body, status=status) as url, pytest.raises(OperationError, match=told) as caught:
        assert_all_healthy(url)
    assert "no node was touched" in str(caught.value)


def test_nobody_there_closes_it() -> None:
    with pytest.raises(OperationError, match="cannot be asked"):
        assert_all_healthy("http://127.0.0.1:9")

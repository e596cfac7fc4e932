"""When a request is sent once more, and what is said meanwhile."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest

from components.operations.cluster_api.errors import ClusterError
from components.operations.retries import FIRST_PATIENCE_SECONDS, PATIENCE_SECONDS, Patience, stopping
from tests.operations.answering import client_of


@pytest.fixture(autouse=True)
def not_stopping() -> Iterator[None]:
    yield
    stopping.clear()


def wait(patience: Patience, method: str, *, status: int = 0, sent: bool = True, ago: float = 0) -> bool:
    since = time.monotonic() - ago
    return patience.wait(method=method, status=status, sent=sent, why="because", since=since, number=0)


@pytest.mark.parametrize(
    ("method", "status", "sent", "again"),
    [
        ("GET", 0, True, True),
        ("GET", 503, True, True),
        ("GET", 404, True, False),
        ("PATCH", 0, True, True),
        ("PATCH", 409, True, False),
        ("DELETE", 500, True, True),
        ("POST", 0, False, True),
        ("POST", 0, True, False),
        ("POST", 429, True, False),
        ("POST", 500, True, False),
    ],
)
def test_only_what_does_no_harm_twice_and_may_be_answered_better(
    method: str, status: int, sent: bool, again: bool
) -> None:
    assert wait(Patience("https://example"), method, status=status, sent=sent) is again


def test_it_is_short_until_the_server_has_answered_once() -> None:
    patience = Patience("https://example")
    assert not wait(patience, "GET", ago=FIRST_PATIENCE_SECONDS + 1)
    patience.answered()
    assert wait(patience, "GET", ago=FIRST_PATIENCE_SECONDS + 1)
    assert not wait(patience, "GET", ago=PATIENCE_SECONDS + 1)


def test_a_stop_ends_the_wait_at_once() -> None:
    stopping.set()
    assert not wait(Patience("https://example"), "GET")


def test_an_outage_is_said_once_and_its_end_too(capsys: pytest.CaptureFixture[str]) -> None:
    patience = Patience("https://example")
    wait(patience, "GET")
    wait(patience, "GET")
    patience.answered()
    patience.answered()
    said = capsys.readouterr().err.splitlines()
    assert [line.split(" https://example ")[1][:20] for line in said] == ["does not answer as i", "answers again"]


class Seats(BaseHTTPRequestHandler):
    """An API server that has no free seat for the first requests of each method."""

    protocol_version = "HTTP/1.1"
    refused, asked = 2, Counter[str]()

    def log_message(self, *_: object) -> None:
        return

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.asked[self.command] += 1
        full = self.asked[self.command] <= self.refused
        body = b"Too many requests, please try again later.\n" if full else b'{"metadata": {}}'
        self.send_response(429 if full else 200)
        self.send_header("retry-after", "1")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815


class Quick(threading.Event):
    """Keeps how long it was waited for, and waits for nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.pauses.append(timeout)
        return False


def test_a_request_that_was_refused_for_want_of_a_seat_is_sent_again_when_the_server_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It was not executed, so that does no harm, whatever the method; an eviction's is the answer of a budget."""
    quick = Quick()
    monkeypatch.setattr("components.operations.retries.stopping", quick)
    with client_of(Seats) as cluster:
        cluster.create("/api/v1/namespaces/x/pods", {})
        assert quick.pauses == [1, 1], "the server asked for a second each time"
        cluster.get("/api/v1/nodes/a")
        cluster.patch("/api/v1/nodes/a", {})
        assert Seats.asked == {"POST": 3, "GET": 3, "PATCH": 3}
        Seats.asked.clear()
        with pytest.raises(ClusterError):
            cluster.create("/api/v1/namespaces/x/pods/web/eviction", {})
        assert Seats.asked == {"POST": 1}

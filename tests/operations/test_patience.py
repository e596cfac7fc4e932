"""When a request is sent once more, and what is said meanwhile."""

import time
from collections.abc import Iterator

import pytest

from components.operations.patience import FIRST_PATIENCE_SECONDS, PATIENCE_SECONDS, Patience, stopping


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

"""The gate against a real HTTP endpoint that answers as Goldpinger does."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

import pytest

from components.operations.deadline import OperationError
from components.operations.gates.goldpinger import assert_all_healthy
from stacks.sections.gates import GateSettings, Source
from tests.operations.gates.web_server import says, serving

HEAD = "# HELP goldpinger_nodes_health_total Number of nodes seen as healthy/unhealthy\n# TYPE x gauge\n"


def at(url: str) -> Source:
    return GateSettings(goldpinger_url=url).goldpinger


def line(status: str, number: str, instance: str = "a") -> str:
    return f'goldpinger_nodes_health_total{{goldpinger_instance="{instance}",status="{status}"}} {number}\n'


@contextmanager
def goldpinger(body: str, *, status: int = 200) -> Iterator[str]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        says(body, status=status if handler.path == "/metrics" else 404)(handler)

    with serving(answer) as web:
        yield web.url


@pytest.mark.parametrize("path", ["", "/", "/metrics"])
def test_healthy_nodes_open_it(path: str) -> None:
    with goldpinger(HEAD + line("healthy", "3") + line("unhealthy", "0")) as url:
        assert_all_healthy(at(url + path))


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        (line("healthy", "2") + line("unhealthy", "1"), 200, r"sees 1 unhealthy nodes \(beside 2 healthy ones\)"),
        (line("healthy", "3") + line("unhealthy", "0") + line("unhealthy", "2e+00", "b"), 200, "sees 2 unhealthy"),
        (line("healthy", "0") + line("unhealthy", "0"), 200, "tells of no healthy node"),
        ("some_other_metric 1\n", 200, "tells of no healthy node"),
        (line("healthy", "3") + line("unhealthy", "NaN"), 200, "its number of unhealthy nodes is 'NaN'"),
        (line("healthy", "3") + line("unhealthy", "1.2.3"), 200, "its number of unhealthy nodes is '1.2.3'"),
        ("", 500, "cannot be asked"),
    ],
)
def test_anything_else_closes_it(body: str, status: int, told: str) -> None:
    with goldpinger(body, status=status) as url, pytest.raises(OperationError, match=told) as caught:
        assert_all_healthy(at(url))
    assert "no node was touched" in str(caught.value)


def test_nobody_there_closes_it() -> None:
    with pytest.raises(OperationError, match="cannot be asked"):
        assert_all_healthy(at("http://127.0.0.1:9"))

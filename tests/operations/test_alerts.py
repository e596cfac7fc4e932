"""The alert gate against a real HTTP server that answers as Prometheus does."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from components.operations.alerts import assert_none_firing
from components.operations.deadline import OperationError


class Prometheus(BaseHTTPRequestHandler):
    firing: tuple[str, ...] = ()
    status = 200

    def do_GET(self) -> None:
        assert self.path.startswith("/api/v1/query?query=ALERTS")
        found = [{"metric": {"alertname": name}, "value": [0, "1"]} for name in self.firing]
        body = json.dumps({"status": "success", "data": {"resultType": "vector", "result": found}}).encode()
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def prometheus() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Prometheus)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    Prometheus.firing, Prometheus.status = (), 200


def test_silence_lets_the_turn_begin(prometheus: str) -> None:
    assert_none_firing(prometheus, ignore="")


def test_a_firing_alert_stops_it_by_name(prometheus: str) -> None:
    Prometheus.firing = ("KubePodCrashLooping", "Watchdog")
    with pytest.raises(OperationError, match=r"1 alert firing .*: KubePodCrashLooping; no node was touched"):
        assert_none_firing(prometheus, ignore="Watchdog")


def test_the_expression_must_match_the_whole_name(prometheus: str) -> None:
    Prometheus.firing = ("WatchdogBites",)
    with pytest.raises(OperationError, match="WatchdogBites"):
        assert_none_firing(prometheus, ignore="Watchdog")


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "nonsense://x"])
def test_who_cannot_be_asked_counts_as_firing(url: str) -> None:
    with pytest.raises(OperationError, match="cannot be asked"):
        assert_none_firing(url, ignore="")


def test_an_error_of_the_server_counts_as_firing(prometheus: str) -> None:
    Prometheus.status = 500
    with pytest.raises(OperationError, match="cannot be asked"):
        assert_none_firing(prometheus, ignore="")

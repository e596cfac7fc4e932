"""The alert gate against a real HTTP server that answers as Prometheus does; access to it is in test_web."""

import json

import pytest

from components.operations.deadline import OperationError
from components.operations.gates.alerts import assert_none_firing
from stacks.sections.gates import GateSettings
from tests.operations.gates.web_server import says, serving


def ask(*firing: str, ignore: str) -> None:
    """Ask a server where these fire."""
    found = [{"metric": {"alertname": name}, "value": [0, "1"]} for name in firing]
    body = json.dumps({"status": "success", "data": {"resultType": "vector", "result": found}})
    with serving(says(body)) as web:
        assert_none_firing(GateSettings(prometheus_url=web.url).prometheus, ignore=ignore)
        assert web.asked[0][0].startswith("GET /api/v1/query?query=ALERTS")


def test_silence_lets_the_turn_begin() -> None:
    ask(ignore="")


def test_a_firing_alert_stops_it_by_name() -> None:
    with pytest.raises(OperationError, match=r"1 alert firing .*: KubePodCrashLooping; no node was touched"):
        ask("KubePodCrashLooping", "Watchdog", ignore="Watchdog")


def test_the_expression_must_match_the_whole_name() -> None:
    with pytest.raises(OperationError, match="WatchdogBites"):
        ask("WatchdogBites", ignore="Watchdog")

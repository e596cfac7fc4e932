"""The files of docs/monitoring, parsed for tests."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parents[2] / "docs" / "monitoring"
SCRAPE, RULES, DASHBOARD, POD_MONITOR = (
    FOLDER / name
    for name in ("prometheus-scrape.yaml", "prometheus-rules.yaml", "grafana-dashboard.json", "pod-monitor.yaml")
)
# What Grafana puts in, for a dashboard of the last minutes that shows everything.
_VARIABLES = {"$namespace": "cni-live-migration", "$node": ".*", "$__rate_interval": "1m", "$__range": "5m"}


def read(path: Path) -> Any:
    """One of them."""
    return json.loads(path.read_text()) if path.suffix == ".json" else yaml.safe_load(path.read_text())


def filled(expression: str) -> str:
    """An expression of the dashboard with its variables' values."""
    for name, value in _VARIABLES.items():
        expression = re.sub(re.escape(name) + r"\b", value, expression)
    assert "$" not in expression, expression
    return expression


def walk(document: Any) -> Iterator[dict[str, Any]]:
    """Every object in it, however deep."""
    if isinstance(document, dict):
        yield document
    for value in document.values() if isinstance(document, dict) else document if isinstance(document, list) else ():
        yield from walk(value)


def alert_rules() -> list[dict[str, Any]]:
    """All rules of all groups."""
    return [rule for group in read(RULES)["groups"] for rule in group["rules"]]

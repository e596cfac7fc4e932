"""The gate of Prometheus alerts: with a server configured, none may fire when a node's turn begins."""

import re
import urllib.parse
from typing import Literal

from pydantic import BaseModel, ValidationError

from components.operations.deadline import OperationError
from components.operations.gates.web import WebError, ask, refused
from components.plurals import many
from stacks.sections.gates import Source
from stacks.sections.web import origin

_QUERY = urllib.parse.urlencode({"query": 'ALERTS{alertstate="firing"}'})
_DOING = "cannot be asked for firing alerts"


class _Alert(BaseModel):
    metric: dict[str, str]


class _Vector(BaseModel):
    resultType: Literal["vector"]  # noqa: N815 (Prometheus' own name)
    result: list[_Alert]


class _Answer(BaseModel):
    status: Literal["success"]
    data: _Vector
    warnings: list[str] = []


def assert_none_firing(source: Source, *, ignore: str) -> None:
    """Raise OperationError if an alert fires whose name does not match `ignore` (a regular expression, may be empty).

    The gate is also closed if the server cannot be queried, or returns partial data.
    """
    try:
        answer = _Answer.model_validate_json(ask(source, f"/api/v1/query?{_QUERY}"))
    except WebError as error:
        raise refused(source, _DOING, error) from None
    except ValidationError:
        raise refused(
            source, _DOING, WebError("it answers otherwise than Prometheus' API does; is a login before it?")
        ) from None
    if answer.warnings:
        told = " ".join(answer.warnings[0].split())[:200]
        raise refused(source, _DOING, WebError(f"it knows a part of them only: {told}"))
    names = sorted({each.metric.get("alertname", "?") for each in answer.data.result})
    firing = [name for name in names if not (ignore and re.fullmatch(ignore, name))]
    if firing:
        raise OperationError(
            f"{many(len(firing), 'alert')} firing at {origin(source.base)}: {', '.join(firing[:10])}; no node was "
            "touched: wait until that is over, or name those that do not matter in gates.ignoreAlerts"
        )

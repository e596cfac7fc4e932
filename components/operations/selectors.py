"""Label selectors in the API's JSON, matched as the API server does."""

from collections.abc import Mapping
from typing import Any

Object = Mapping[str, Any]


def matches(selector: Object | None, labels: Mapping[str, str]) -> bool:
    """True if the selector matches the labels; None matches nothing, an empty selector everything."""
    if selector is None:
        return False
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    for rule in selector.get("matchExpressions") or []:
        key, operator, values = rule["key"], rule["operator"], rule.get("values") or []
        holds = {
            "In": labels.get(key) in values,
            "NotIn": labels.get(key) not in values,
            "Exists": key in labels,
            "DoesNotExist": key not in labels,
        }[operator]
        if not holds:
            return False
    return True

"""Helm values as a tree: merged as Helm does, read and built by dotted path."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` laid on `base`, mappings merged and everything else replaced, as Helm does; neither is changed."""
    result = deepcopy(dict(base))
    for key, value in over.items():
        if isinstance(value, Mapping) and isinstance(result.get(key), Mapping):
            result[key] = merge(result[key], value)
        else:
            result[key] = deepcopy(value)
    return result


def value_at(values: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path; None where there is none."""
    here: Any = values
    for part in path.split("."):
        if not isinstance(here, Mapping):
            return None
        here = here.get(part)
    return here


def nested(path: str, value: Any) -> dict[str, Any]:
    """A tree with one value at a dotted path."""
    for part in reversed(path.split(".")):
        value = {part: value}
    return dict(value)


def leaves(values: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value with its dotted path; an empty mapping is a value."""
    for key, value in values.items():
        here = f"{path}.{key}" if path else str(key)
        if isinstance(value, Mapping) and value:
            yield from leaves(value, here)
        else:
            yield here, value

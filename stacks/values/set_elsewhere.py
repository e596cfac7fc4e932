"""Cilium options set without the chart's own values: by `extraConfig`, command-line arguments or variables.

Agent and operator read `cilium-config`; a variable overrides it, and an argument overrides both (Cilium's BindEnv).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stacks.values.options import OPTIONS, Kind
from stacks.values.tree import value_at

_PREFIX = "CILIUM_"
_PROGRAMS = ("", "operator.")
SWITCHES = frozenset(key for each in OPTIONS.values() if each.kind is Kind.TRUTH for key in each.keys)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """An option set in such a place; `text` is None if it comes from an object that is not read."""

    place: str
    key: str
    text: Any


def set_elsewhere(values: Mapping[str, Any]) -> Iterator[Setting]:
    """Every option that the values set in such a place."""
    extra = value_at(values, "extraConfig")
    for key, text in extra.items() if isinstance(extra, Mapping) else ():
        if text is not None:  # Helm drops it
            yield Setting(place=f"extraConfig.{key}", key=str(key), text=text)
    for program in _PROGRAMS:
        yield from _arguments(f"{program}extraArgs", value_at(values, f"{program}extraArgs"))
        yield from _variables(f"{program}extraEnv", value_at(values, f"{program}extraEnv"))


def _arguments(path: str, given: Any) -> Iterator[Setting]:
    """Options from `--key=text`, `--key text` and `--key`, which is true; a boolean flag never takes the next word."""
    words = [str(each) for each in given] if isinstance(given, list | tuple) else []
    for word, after in zip(words, [*words[1:], "--"], strict=False):
        if word.startswith("--"):
            key, equals, text = word.removeprefix("--").partition("=")
            alone = after.startswith("--") or key in SWITCHES
            yield Setting(place=f"{path} --{key}", key=key, text=text if equals else "true" if alone else after)


def _variables(path: str, given: Any) -> Iterator[Setting]:
    for each in given if isinstance(given, list | tuple) else ():
        name = str(each.get("name", "")) if isinstance(each, Mapping) else ""
        if name.startswith(_PREFIX):
            key = name.removeprefix(_PREFIX).lower().replace("_", "-")
            yield Setting(
                place=f"{path} {name}", key=key, text=None if "valueFrom" in each else each.get("value") or ""
            )

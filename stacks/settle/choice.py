"""One thing that was settled, and what a value that is there already does to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
LIVE = "Cilium runs with it (ConfigMap cilium-config)"


class SettleError(Exception):
    """Something cannot be settled; the text is one line that says what to do."""


@dataclass(frozen=True, kw_only=True)
class Choice(Generic[T_co]):
    """A value with its reason; `wished` where it is the user's own."""

    value: T_co
    reason: str
    wished: bool = False


def wish(value: T, *, key: str) -> Choice[T]:
    """What the user set in the config."""
    return Choice(value=value, reason=f"set as cilium.{key} in the config", wished=True)


def kept(value: T, *, recorded: Mapping[str, Any] | None) -> Choice[T]:
    """What an installed Cilium has: whatever we would choose today, it stays."""
    reason = recorded["reason"] if recorded and recorded["value"] == value else LIVE
    return Choice(value=value, reason=reason)

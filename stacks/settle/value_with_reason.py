"""A settled value with its reason, and the constructors for values that the user or an installed Cilium has set."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
LIVE = "Cilium runs with it (ConfigMap cilium-config)"


class SettleError(Exception):
    """A value cannot be chosen; the text is one line that says what to do."""


@dataclass(frozen=True, kw_only=True)
class Choice(Generic[T_co]):
    """A value with its reason; `wished` if the user set it."""

    value: T_co
    reason: str
    wished: bool = False


def wish(value: T, *, key: str) -> Choice[T]:
    """The value that the user set in the config."""
    return Choice(value=value, reason=f"set as cilium.{key} in the config", wished=True)


def kept(value: T, *, recorded: Mapping[str, Any] | None) -> Choice[T]:
    """The value that an installed Cilium runs with; it stays, even if another would be chosen today."""
    reason = recorded["reason"] if recorded and recorded["value"] == value else LIVE
    return Choice(value=value, reason=reason)

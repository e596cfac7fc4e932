"""Errors of the plugin, with messages for the reader of Pulumi's output."""

from dataclasses import dataclass, field
from typing import Any


class PluginError(Exception):
    """An operation failed; the text names the object, the fact and the remedy."""


class CancelledError(PluginError):
    """The engine cancelled a wait."""


class UnreachableError(PluginError):
    """The API server's address does not answer."""


@dataclass
class InitializationError(PluginError):
    """An object that exists but did not become ready: the engine keeps its state and tries again next time."""

    object_id: str
    state: dict[str, Any]
    reasons: list[str]
    inputs: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return "; ".join(self.reasons)

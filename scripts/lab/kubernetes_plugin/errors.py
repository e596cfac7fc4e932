"""What can go wrong, in words for the person who reads the Pulumi output."""

from dataclasses import dataclass, field
from typing import Any


class PluginError(Exception):
    """An operation that did not happen; the text names the object, the fact and the remedy."""


class CancelledError(PluginError):
    """The engine asked to stop while something was waited for."""


class UnreachableError(PluginError):
    """Nobody answers at the API server's address."""


@dataclass
class InitializationError(PluginError):
    """An object that exists but did not become ready: the engine keeps its state and tries again next time."""

    object_id: str
    state: dict[str, Any]
    reasons: list[str]
    inputs: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return "; ".join(self.reasons)

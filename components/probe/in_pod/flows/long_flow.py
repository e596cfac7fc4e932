"""The sides of a long flow that its connections and trials see of each other."""

from __future__ import annotations

from typing import Any, Protocol


class LongFlow(Protocol):
    """The flow that a connection belongs to; moments are of the monotonic clock."""

    address: str
    port: int
    full_size: bool
    usual: float
    reached: bool
    leaving: bool

    @property
    def connected_now(self) -> bool:
        """True if the flow has a connection of its own."""

    def look(self) -> float:
        """The time now."""

    def owns(self, link: Any) -> bool:
        """True if it is the flow's own connection, and no trial."""

    def connected(self, link: Any) -> None:
        """Handle a new connection."""

    def said(self, link: Any, words: list[bytes], now: float) -> None:
        """Handle a line."""

    def ended(self, link: Any, error: Exception | None) -> None:
        """Handle the end of a connection."""


class TrialsOfSilence(Protocol):
    """The trials that a connection was made among."""

    @property
    def under_way(self) -> bool:
        """True if the outcome of any trial is open."""

    def passed(self, link: Any) -> bool:
        """Record a successful trial; False if it counts no more."""

    def drop(self) -> None:
        """Discard trials under way without a result."""

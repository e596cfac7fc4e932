"""Shortened lists of names for messages."""

from collections.abc import Sequence

_AT_MOST = 5


def some(names: Sequence[str]) -> str:
    """The first few names, with an ellipsis if there are more."""
    return ", ".join(names[:_AT_MOST]) + (" …" if len(names) > _AT_MOST else "")

"""Lines for the operator, each with its level as a field, so that the text may be worded in any way."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """The weight of a line."""

    INFO = "info"
    NOTE = "note"
    WARNING = "warning"


@dataclass(frozen=True)
class Line:
    """One line for the operator."""

    level: Level
    text: str

"""Messages for the operator, each with its level as a field."""

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

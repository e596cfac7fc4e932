"""What is known of a time without answers on a long connection."""

from __future__ import annotations

from dataclasses import dataclass

from .ledger import Trouble
from .scouts import Scouts


@dataclass(eq=False)
class Silence:
    """A time without an answer in time; all moments are of the monotonic clock, 0 if there was none.

    `owed` are those of the failed beats that nobody counted yet, `blamed` those counted as lost, `held` is how long the
    other process said that it had not run, `slowest` the longest that an answer took otherwise, in seconds.
    """

    first: float
    last_late: float
    scouts: Scouts
    why: str = ""
    over: float = 0.0
    held: float = 0.0
    slowest: float = 0.0
    lost: str = ""
    owed: int = 0
    blamed: int = 0
    sent: int = 0
    failed: int = 0
    concluded: bool = False
    counts: bool = True
    trouble: Trouble | None = None

    @property
    def reason(self) -> str:
        """In the words of a report."""
        if self.scouts.why or self.why:
            return self.scouts.why or self.why
        return "no packets passed" if self.scouts.bad_first else "answers late, though new connections worked"

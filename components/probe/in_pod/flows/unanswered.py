"""The state of a time without answers on a long connection."""

from __future__ import annotations

from dataclasses import dataclass

from ..records.ledger import Trouble
from .trial_connections import Trials


@dataclass(eq=False)
class Silence:
    """A time without an answer in time; all moments are of the monotonic clock, 0 if there was none.

    `owed` are failed beats that were not counted yet, `blamed` those counted as lost, `held` is the time that the other
    process reported not to have run, `slowest` the longest latency of other answers, in seconds.
    """

    first: float
    last_late: float
    trials: Trials
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
        """The reason in a form for reports."""
        if self.trials.why or self.why:
            return self.trials.why or self.why
        return "no packets passed" if self.trials.bad_first else "answers late, though new connections worked"

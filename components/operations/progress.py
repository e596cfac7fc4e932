"""Live progress of long operations: one line a step on standard error, which the engine's CLI shows at once."""

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from components import timings

# The effect of a step on its node: none in particular, its network changes, or the node itself is down.
Effect = Literal["", "switch", "restart"]
_lock = threading.Lock()


def say_aloud(line: str) -> None:
    """Print one whole line for the user, from any thread."""
    with _lock:
        print(line, file=sys.stderr, flush=True)  # noqa: T201


@dataclass(frozen=True, kw_only=True)
class StepTime:
    """One step by this machine's clock, in UTC; `end` is None while it is under way."""

    name: str
    start: datetime
    end: datetime | None = None
    effect: Effect = ""


@dataclass
class Progress:
    """The steps of one subject's (mostly a node's) turn, with the seconds that each took.

    `times` has the time of each step, twice for a step that is done twice. `announce` is called with the name and
    detail of each step as it begins, and of the end.
    """

    subject: str
    total: int
    announce: Callable[[str, str], None] | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    times: list[StepTime] = field(default_factory=list)
    _number: int = 0
    _name: str = ""
    _began: float = field(default_factory=time.monotonic)
    _step_began: float = field(default_factory=time.monotonic)

    def step(self, name: str, detail: str = "", *, effect: Effect = "") -> None:
        """Begin the next step; the one before ends here."""
        self.end()
        self._number += 1
        self._name, self._step_began = name, time.monotonic()
        self.times.append(StepTime(name=name, start=datetime.now(UTC), effect=effect))
        self.say(detail or "begins")
        if self.announce:
            self.announce(name, detail or f"step {self._number} of {self.total}")

    def say(self, text: str) -> None:
        """Print a line within the step."""
        elapsed = time.monotonic() - self._began
        line = f"{self.subject} [{self._number}/{self.total}] {self._name}: {text} ({elapsed:.1f} s)"
        say_aloud(line)

    def done(self, text: str) -> dict[str, float]:
        """End the last step; returns the seconds of each."""
        self.end()
        self._name = "done"
        self.say(text)
        if self.announce:
            self.announce("done", text)
        return self.seconds

    @property
    def current(self) -> str:
        """The name of the step that is under way."""
        return self._name

    def end(self) -> None:
        """End the step that is under way, if one is."""
        if not self.times or self.times[-1].end:
            return
        seconds = time.monotonic() - self._step_began
        self.times[-1] = replace(self.times[-1], end=self.times[-1].start + timedelta(seconds=seconds))
        self.seconds[self._name] = round(self.seconds.get(self._name, 0.0) + seconds, 2)
        timings.note("step", f"{self.subject} {self._name}", seconds=seconds)

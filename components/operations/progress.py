"""Live progress of long operations: one line a step on standard error, which the engine's CLI shows as it comes."""

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from components import timings

_lock = threading.Lock()


def say_aloud(line: str) -> None:
    """One whole line to the user, whichever thread says it."""
    with _lock:
        print(line, file=sys.stderr, flush=True)  # noqa: T201


@dataclass
class Progress:
    """The steps of one subject's (mostly a node's) turn, with how long each took in seconds.

    `announce` is called with the name and detail of each step as it begins, and of the end.
    """

    subject: str
    total: int
    announce: Callable[[str, str], None] | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    _number: int = 0
    _name: str = ""
    _began: float = field(default_factory=time.monotonic)
    _step_began: float = field(default_factory=time.monotonic)

    def step(self, name: str, detail: str = "") -> None:
        """Begin the next step; the one before ends here."""
        self._end_step()
        self._number += 1
        self._name, self._step_began = name, time.monotonic()
        self.say(detail or "begins")
        if self.announce:
            self.announce(name, detail or f"step {self._number} of {self.total}")

    def say(self, text: str) -> None:
        """A line of news within the step."""
        elapsed = time.monotonic() - self._began
        line = f"{self.subject} [{self._number}/{self.total}] {self._name}: {text} ({elapsed:.1f} s)"
        say_aloud(line)

    def done(self, text: str) -> dict[str, float]:
        """End the last step; returns the seconds of each."""
        self._end_step()
        self._name = "done"
        self.say(text)
        if self.announce:
            self.announce("done", text)
        return self.seconds

    @property
    def current(self) -> str:
        """The name of the step that is under way."""
        return self._name

    def _end_step(self) -> None:
        if self._name:
            seconds = time.monotonic() - self._step_began
            self.seconds[self._name] = round(seconds, 2)
            timings.note("step", f"{self.subject} {self._name}", seconds=seconds)

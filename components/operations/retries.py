"""Retries of one request while the API server does not answer or is in trouble, announced to the user."""

import threading
import time

from components.operations.progress import say_aloud

# Set when the run is asked to stop: every wait ends at once.
stopping = threading.Event()

PATIENCE_SECONDS = 30.0
FIRST_PATIENCE_SECONDS = 5.0
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.2, 2.0
# Idempotent requests: merge patches, and deletions of objects that are gone, among them.
_REPEATABLE = ("GET", "PATCH", "DELETE")
_PASSING = (429, 500, 502, 503, 504)


class Patience:
    """Retries for one server; short until its first answer, as a wrong address is more likely until then."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._answered = False
        self._away = False

    @property
    def seconds(self) -> float:
        """The time that a request may take with all its retries."""
        return PATIENCE_SECONDS if self._answered else FIRST_PATIENCE_SECONDS

    def answered(self) -> None:
        """Note that the server answered, even if with a refusal."""
        self._answered = True
        if self._away:
            self._away = False
            self._say("answers again")

    def wait(
        self, *, method: str, status: int, sent: bool, why: str, since: float, number: int, at_least: float = 0
    ) -> bool:
        """Pause before a retry of the request; False if a retry is pointless, dangerous or too late.

        `since` is the time of the first attempt (monotonic seconds), `number` the number of attempts so far,
        `at_least` the pause that the server asks for, in seconds.
        """
        if status and status not in _PASSING:
            self.answered()
            return False
        if (sent and method not in _REPEATABLE) or time.monotonic() - since > self.seconds:
            return False
        if not self._away:
            self._away = True
            self._say(f"does not answer as it should ({why}); it is waited for, {self.seconds:.0f} s at the most")
        pause = max(at_least, min(_FIRST_PAUSE_SECONDS * 2**number, _LONGEST_PAUSE_SECONDS))
        return not stopping.wait(min(pause, self.seconds))

    def _say(self, text: str) -> None:
        say_aloud(f"API server {self._server} {text}")

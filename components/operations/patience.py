"""How long an API server that is away, or in trouble, is waited for within one request; said aloud while it lasts."""

import threading
import time

from components.operations.progress import say_aloud

# Set when the run is asked to stop: whoever waits ends at once.
stopping = threading.Event()

PATIENCE_SECONDS = 30.0
FIRST_PATIENCE_SECONDS = 5.0
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.2, 2.0
# What may be sent twice with the effect of once: merge patches and deletions of what is gone among them.
_REPEATABLE = ("GET", "PATCH", "DELETE")
_PASSING = (429, 500, 502, 503, 504)


class Patience:
    """Of one server; before it has answered once it is short, as then it is rather the address that is wrong."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._answered = False
        self._away = False

    @property
    def seconds(self) -> float:
        """How long a request may take with all its repetitions."""
        return PATIENCE_SECONDS if self._answered else FIRST_PATIENCE_SECONDS

    def answered(self) -> None:
        """It did what was asked, or said why not."""
        self._answered = True
        if self._away:
            self._away = False
            self._say("answers again")

    def wait(
        self, *, method: str, status: int, sent: bool, why: str, since: float, number: int, at_least: float = 0
    ) -> bool:
        """Pause before the same request is sent once more; False if that is pointless, dangerous or too late.

        `since` is when the request was first sent (monotonic seconds), `number` how often it was by now, `at_least`
        the pause that the server asks for, in seconds.
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

"""Runs a node's verification in the background while its agent restarts and its pods are re-created.

A fresh pod needs none of the node's own, and is on its way while the agent of a node that was restarted starts.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

from components.operations.cluster_api.errors import ClusterError
from components.operations.deadline import HoldLostError, OperationError, StoppedError
from components.operations.progress import Progress
from components.operations.turn_steps.reach_from_pod import Teller
from components.operations.turn_steps.verification import Awaited, Verified

Verify = Callable[[Teller, Awaited], Verified]


class _News:
    """Keeps lines until there is a step that they belong to, and from then on says them at once."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._progress: Progress | None = None
        self._lock = threading.Lock()

    def say(self, text: str) -> None:
        """One line, now or later."""
        with self._lock:
            if self._progress:
                self._progress.say(text)
            else:
                self._lines.append(text)

    def tell(self, progress: Progress) -> None:
        """Say what was kept."""
        with self._lock:
            self._progress = progress
            for line in self._lines:
                progress.say(line)


class _GivenUpError(OperationError):
    """The verification ended because the turn did."""


class Verification:
    """One verification. `verify` is given where its news go, and what to call when it needs the network or the pods.

    As a context it waits for the verification's end, and tells it to give up where the block failed; if it had found
    something broken by then, that is what the block failed of.
    """

    def __init__(self, verify: Verify, progress: Progress) -> None:
        self._verify, self._progress = verify, progress
        self._news = _News()
        self._network_is_there, self._pods_are_there = threading.Event(), threading.Event()
        self._given_up = False
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="verify")
        self._running: Future[Verified] | None = None

    def begin(self) -> None:
        """Start what needs no network of the node's: it has restarted, and its agent is on its way."""
        if self._running is None:
            self._running = self._pool.submit(self._verify, self._news, self)

    def switched(self) -> None:
        """Go on, as the node's network is the one to verify."""
        self._network_is_there.set()
        self.begin()

    def end(self) -> Verified:
        """Its outcome, the node's pods being there. Raises what it raised."""
        self.switched()
        self._news.tell(self._progress)
        self._pods_are_there.set()
        assert self._running is not None
        return self._running.result()

    def network(self) -> bool:
        """Return once the node's network is there; True if that had to be waited for."""
        return self._wait(self._network_is_there, missing="the node's network did not come up")

    def pods(self) -> bool:
        """The same of the node's own pods."""
        return self._wait(self._pods_are_there, missing="the node's own pods did not come back")

    def _wait(self, event: threading.Event, *, missing: str) -> bool:
        waited = not event.is_set()
        event.wait()
        if self._given_up:
            raise _GivenUpError(missing)
        return waited

    def __enter__(self) -> "Verification":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._given_up = kind is not None
        self._network_is_there.set()
        self._pods_are_there.set()
        self._pool.shutdown()
        found = self._running.exception() if self._running else None
        if found is None or found is error or isinstance(found, _GivenUpError):
            return
        if isinstance(error, OperationError | ClusterError) and not isinstance(error, StoppedError | HoldLostError):
            failed = self._progress.current
            self._progress.step("verify")
            self._news.tell(self._progress)
            raise OperationError(f"{found} (and so step '{failed}' failed: {error})") from found

"""Signs of life of whoever holds the Lease: its changes, by the clock of the one who looks on."""

import time
from collections.abc import Callable

from components.operations.api import Cluster
from components.operations.deadline import pause
from components.operations.lease.record import Record, read

# A run that could not renew for so long makes no change before it can.
RENEW_DEADLINE_SECONDS = 10
LOOK_SECONDS = 1.0
# It goes on while a machine sleeps, as those of the others do.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def now() -> float:
    """Seconds on a clock that nobody sets."""
    return time.clock_gettime(_CLOCK)


class Observer:
    """Of one Lease, from the first look on."""

    def __init__(self, *, clock: Callable[[], float] = now) -> None:
        self._clock = clock
        self._text = ""
        self._since = 0.0
        self.changed = False

    def see(self, record: Record) -> None:
        """Look at what was just read."""
        if record.text != self._text:
            self.changed = bool(self._text)
            self._text, self._since = record.text, self._clock()

    @property
    def unchanged_seconds(self) -> float:
        """For how long it has been seen as it is."""
        return self._clock() - self._since

    def holder(self, record: Record | None) -> str:
        """The run at work as far as was seen; empty if there is none, or none that gave a sign of life in time."""
        if record is None or record.free:
            return ""
        self.see(record)
        silent = not record.waits_too_long and self.unchanged_seconds >= record.seconds
        return "" if silent else record.who


def other_run(cluster: Cluster, *, clock: Callable[[], float] = now, sleep: Callable[[float], None] = pause) -> str:
    """The run that works on the cluster; empty if none shows a sign of life for as long as it may go without one.

    It takes RENEW_DEADLINE_SECONDS at the most, and no time where the Lease is free. Raises ClusterError.
    """
    observer = Observer(clock=clock)
    while True:
        found = read(cluster)
        if found is None or found.free:
            return ""
        observer.see(found)
        if observer.changed or found.waits_too_long:
            return found.who
        if observer.unchanged_seconds >= RENEW_DEADLINE_SECONDS:
            return ""
        sleep(LOOK_SECONDS)

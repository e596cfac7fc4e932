"""Observation of the Lease's holder: a holder is alive while the Lease changes, by the observer's own clock."""

import time
from collections.abc import Callable

from components.operations.cluster_api.api import Cluster
from components.operations.deadline import pause
from components.operations.lease.record import Record, read

# A run that could not renew for so long makes no change until it can.
RENEW_DEADLINE_SECONDS = 10
LOOK_SECONDS = 1.0
# A clock that keeps running while the machine sleeps, as those of other machines do.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def now() -> float:
    """Seconds on a clock that is never set."""
    return time.clock_gettime(_CLOCK)


class Observer:
    """An observer of one Lease, from its first reading on."""

    def __init__(self, *, clock: Callable[[], float] = now) -> None:
        self._clock = clock
        self._text = ""
        self._since = 0.0
        self.changed = False

    def see(self, record: Record) -> None:
        """Take in a Lease that was just read."""
        if record.text != self._text:
            self.changed = bool(self._text)
            self._text, self._since = record.text, self._clock()

    @property
    def unchanged_seconds(self) -> float:
        """Seconds since the Lease was last seen to change."""
        return self._clock() - self._since

    def holder(self, record: Record | None) -> str:
        """The run that holds the Lease; empty if it is free, or its holder did not renew it in time."""
        if record is None or record.free:
            return ""
        self.see(record)
        silent = not record.waits_too_long and self.unchanged_seconds >= record.seconds
        return "" if silent else record.who


def other_run(cluster: Cluster, *, clock: Callable[[], float] = now, sleep: Callable[[float], None] = pause) -> str:
    """The run that works on the cluster; empty if none renews the Lease within the time allowed for it.

    Takes at most RENEW_DEADLINE_SECONDS, and no time if the Lease is free. Raises ClusterError.
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

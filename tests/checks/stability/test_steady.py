"""A workload counts as ready only after it has stayed ready for a while, by a clock that the waits themselves move."""

from collections.abc import Sequence

import pytest

from components.operations import deadline
from components.operations import required_workloads as required
from components.operations.cluster_api.api import Cluster
from components.operations.required_workloads import wait_for_watched

NAME = "DaemonSet shop/store"
ILL = {NAME: "has 1 of 2 pods ready"}


class Unasked(Cluster):
    """Stands for a cluster: what is ready there is said by the test."""

    def __init__(self) -> None:
        return


class Clock:
    """Stands still but for the pauses between looks."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def monotonic(self) -> float:
        """Seconds since some moment."""
        return self.seconds

    def pause(self, seconds: float) -> None:
        """Let them pass."""
        self.seconds += seconds


def test_a_workload_that_loses_a_pod_while_it_is_looked_at_is_waited_for_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, looks, well_again = Clock(), list[float](), 0.0

    def look(_cluster: Cluster, _names: Sequence[str]) -> dict[str, str]:
        nonlocal well_again
        looks.append(clock.seconds)
        if len(looks) == 4:
            well_again = clock.seconds
        return ILL if len(looks) in (2, 3) else {}

    monkeypatch.setattr(required, "time", clock)
    monkeypatch.setattr(deadline, "time", clock)
    monkeypatch.setattr(deadline, "pause", clock.pause)
    monkeypatch.setattr(required, "not_ready", look)
    wait_for_watched(Unasked(), "worker-1", [NAME], timeout_seconds=300, steady_seconds=10)
    assert 10 <= looks[-1] - well_again < 11
    assert looks[-2] - well_again < 10

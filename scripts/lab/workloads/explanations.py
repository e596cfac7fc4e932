"""Classifies losses as planned or unplanned.

Only failures of flows to a pod's own address can be planned: its pod was being terminated, or its node was being
restarted. A Service has other pods, so every failure there is a loss.

A pod's own message that it is being terminated has an exact time. The disappearance of its address from the name
server is only a rough time, which could hide a loss just before a planned end: it counts only without a message.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from scripts.lab.workloads.pod.records import Flow
from scripts.lab.workloads.recording import Happening

TERMINATED = "the pod was being terminated"
_TERMINATION_SECONDS = 30.0  # after the pod's own message: longer than any grace period of the workloads
_VANISHED_SECONDS = 10.0  # before and after its address disappears, which a client sees a few seconds late
_SAME_END_SECONDS = 120.0  # from a pod's message until its address disappears, including name servers' caches
_CLOCK_SECONDS = 2.0  # between the observations of two clients


@dataclass(frozen=True, kw_only=True)
class Outage:
    """A time in which a node and its pods were down on purpose."""

    node: str
    start: datetime
    end: datetime


@dataclass(frozen=True, kw_only=True)
class _Period:
    start: float
    end: float
    reason: str

    def overlaps(self, *, start: float, end: float) -> bool:
        return start <= self.end and end >= self.start


class Explanations:
    """Known terminations of pods, restarts of nodes and pauses of servers."""

    def __init__(self, happenings: Iterable[Happening], outages: Iterable[Outage] = ()) -> None:
        self._terminating: dict[str, list[_Period]] = defaultdict(list)
        self._vanished: dict[str, list[_Period]] = defaultdict(list)
        self._of_node: dict[str, list[_Period]] = defaultdict(list)
        self._pauses: dict[str, list[_Period]] = defaultdict(list)
        for happening in happenings:
            self._learn(happening)
        for outage in outages:
            self._of_node[outage.node].append(
                _Period(
                    start=outage.start.timestamp(),
                    end=outage.end.timestamp(),
                    reason=f"node {outage.node} was being restarted",
                )
            )

    def _learn(self, happening: Happening) -> None:
        event, at = happening.event, happening.wall
        if event.flow is None:
            return
        if event.kind == "terminating":
            period = _Period(start=at - _CLOCK_SECONDS, end=at + _TERMINATION_SECONDS, reason=TERMINATED)
            self._terminating[event.flow.address].append(period)
        elif event.kind == "gone":
            period = _Period(start=at - _VANISHED_SECONDS, end=at + _VANISHED_SECONDS, reason=TERMINATED)
            self._vanished[event.flow.address].append(period)
        elif event.kind == "peer-paused":
            seconds = event.milliseconds / 1000
            reason = f"{event.flow.peer} itself did not run for {event.milliseconds:.0f} ms"
            self._pauses[event.flow.peer].append(_Period(start=at - seconds, end=at, reason=reason))

    def of_failure(self, flow: Flow, *, at: float) -> str:
        """The planned cause of a failed request or broken connection at a Unix time; empty if there is none."""
        if flow.kind not in ("pod-http", "echo-pod"):
            return ""
        words = self._terminating.get(flow.address, [])
        periods = [*words, *self._of_node.get(flow.peer_node, [])]
        for vanished in self._vanished.get(flow.address, []):
            gave_word = any(word.overlaps(start=vanished.start - _SAME_END_SECONDS, end=vanished.end) for word in words)
            if not gave_word:
                periods.append(vanished)
        return next((period.reason for period in periods if period.overlaps(start=at, end=at)), "")

    def of_gap(self, flow: Flow, *, at: float, milliseconds: float) -> str:
        """The planned cause of a gap that ends at a time; a server's pause explains a gap of twice its length."""
        seconds = milliseconds / 1000
        for pause in self._pauses.get(flow.peer, []):
            near = pause.overlaps(start=at - seconds - _CLOCK_SECONDS, end=at + _CLOCK_SECONDS)
            if near and pause.end - pause.start >= seconds / 2:
                return pause.reason
        return self.of_failure(flow, at=at)

"""Tells a loss that was planned from one that nobody planned.

Only a flow to a pod's own address has an excuse for a failure: its pod was being terminated, or its node was being
restarted. A Service has other pods to send to, so whatever fails there is a loss.

A pod's own word that it is being terminated says when exactly. That its address vanished from the name server says
so only roughly, and could excuse a loss just before a planned end: it counts for pods that never gave their word.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from scripts.lab.workloads.pod.records import Flow
from scripts.lab.workloads.recording import Happening

TERMINATED = "the pod was being terminated"
_TERMINATION_SECONDS = 30.0  # from the pod's own word: longer than any grace period of the workloads
_VANISHED_SECONDS = 10.0  # either side of its address's end, which a client sees a few seconds late
_SAME_END_SECONDS = 120.0  # from a pod's word to its address's end, name servers' caches included
_CLOCK_SECONDS = 2.0  # between what one client saw and what another did


@dataclass(frozen=True, kw_only=True)
class Outage:
    """A time in which a node was down on purpose, its pods included."""

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
    """What is known of terminated pods, restarted nodes and servers that did not run."""

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
        """Why a request failed or a connection broke at a time in seconds since 1970; empty if nobody planned it."""
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
        """Why there was no success for so long up to a time; a server that did not run explains twice its pause."""
        seconds = milliseconds / 1000
        for pause in self._pauses.get(flow.peer, []):
            near = pause.overlaps(start=at - seconds - _CLOCK_SECONDS, end=at + _CLOCK_SECONDS)
            if near and pause.end - pause.start >= seconds / 2:
                return pause.reason
        return self.of_failure(flow, at=at)

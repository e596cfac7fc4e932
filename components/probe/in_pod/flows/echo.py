"""Long connections: beats at fixed intervals, and the evaluation of missing answers.

TCP retransmits at growing intervals, so a connection is silent for up to twice as long as the network was down.
Therefore, from the first late beat on, new connections are opened every 25 ms as trials: they show when packets pass
again, and that packets pass while only the other process is paused, as its kernel answers them.
An outage lasts from the middle between the last beat in time and the first late one to the middle between the last
lost trial and the first successful one.
"""

from __future__ import annotations

from collections import deque

from ..clock import Clock
from ..records.ledger import Ledger, wall
from .connection import Link
from .flow import LIMIT_SECONDS, OWED_SECONDS, PAUSED, TERMINATING, VANISHED, Flow, cause
from .trial_connections import Trials
from .unanswered import Silence

_LEAST_GAP_SECONDS = 0.1
_LATE_SECONDS = 0.06
_GIVE_UP_SECONDS = 15.0
_TELL_SECONDS = 0.2
_RECOVERY_SECONDS = 0.3
_MOST_UNANSWERED = 400
_VANISHED_SECONDS = 60.0  # a pod that was silent for longer before it left DNS was not just being deleted
_SMOOTHING = 0.1


class Echo(Flow):
    """One long connection to one address, re-opened whenever it ends."""

    def __init__(
        self, kind: str, address: str, *, port: int, full_size: bool, interval: float, clock: Clock, ledger: Ledger
    ) -> None:
        super().__init__(kind, address, interval=interval, clock=clock, ledger=ledger)
        self.port = port
        self.full_size = full_size
        self.usual = 0.0
        self._padding = b""
        self._link: Link | None = None
        self._number = 0
        self._unanswered: deque[list[float]] = deque(maxlen=_MOST_UNANSWERED)  # [number, sent at, 1 if given up]
        self._silence: Silence | None = None
        self._closing: list[Silence] = []
        self._skew = 0.0
        self._peer = ""

    def look(self) -> float:
        """The monotonic time now."""
        return self._clock.look()

    @property
    def connected_now(self) -> bool:
        """True if there is a connection, silent or not."""
        return self._link is not None

    def owns(self, link: Link) -> bool:
        """True if it is the flow's own connection, and no trial."""
        return link is self._link

    def tick(self, now: float) -> None:
        """Send a beat, and check for late answers."""
        if self.leaving:
            return
        if self.gone and self._silence:
            self.finish(VANISHED)
            return
        if self._link is None and self._silence is None:
            self._be_silent(now, why="no connection")
        if now >= self._due and self.counts:
            self._due = max(self._due, now - self._interval) + self._interval - 0.002
            self._beat(now)
        silence = self._silence
        if silence is None:
            if self._unanswered and now - self._unanswered[0][1] > 0.9 * min(self._interval, 0.1) + 2 * self.usual:
                self._be_silent(self._unanswered[0][1])
            return
        self._expire(silence, now)
        if self._link and now - silence.first > _GIVE_UP_SECONDS:
            self._lose_link("no answer on the connection for 15 s")

    def _beat(self, now: float) -> None:
        self._number += 1
        self._unanswered.append([self._number, now, 0])
        self.row.sent += 1
        if self._silence:
            self._silence.sent += 1
        if self._link:
            self._link.send(self._line(self._number))

    def _line(self, number: int) -> bytes:
        """The text of a beat; a full-size one fills one packet, and its longer answer more than one."""
        head = b"%d " % number
        return head + self._padding[len(head) + 1 :] + b"\n"

    def paused(self, seconds: float) -> None:
        """Extend beats under way by the pause, and discard trials."""
        for beat in self._unanswered:
            beat[1] += seconds
        for closing in list(self._closing):
            closing.trials.drop()
            self._conclude(closing)
        if self._silence:
            self._silence.trials.drop()
            if not self._silence.trials.bad_first:
                self._silence.first += seconds
                self._silence.last_late += seconds

    # Handling of a silence, from its first late beat to its last.

    def _be_silent(self, first: float, *, why: str = "") -> None:
        if self._silence is None:
            trials = Trials(self, silent_since=first)
            self._silence = Silence(first=first, last_late=first, trials=trials, why=why, sent=len(self._unanswered))
            trials.send()

    def _expire(self, silence: Silence, now: float) -> None:
        for beat in self._unanswered:
            if now - beat[1] < LIMIT_SECONDS:
                break
            if not beat[2]:
                beat[2] = 1
                silence.owed += 1
                silence.failed += 1
        if not self.counts:
            return
        if now - silence.first > OWED_SECONDS and silence.owed:
            self.row.failed += silence.owed
            silence.blamed, silence.owed = silence.blamed + silence.owed, 0
        evidence = silence.trials.bad_first or now - silence.first > 2 * _TELL_SECONDS
        if silence.trouble is None and now - silence.first > _TELL_SECONDS and evidence:
            silence.trouble = self.trouble(silence.first - self._half)
        if silence.trouble:
            end = silence.trials.path_back(now) if silence.trials.bad_first else now
            silence.trouble.ms = (end - silence.first + self._half) * 1000
            silence.trouble.sent, silence.trouble.failed = silence.sent, silence.failed
            silence.trouble.owed, silence.trouble.blamed = silence.owed, silence.blamed
            silence.trouble.why = silence.reason
            silence.trouble.peer = "" if self.to_pod else self._peer

    @property
    def _half(self) -> float:
        return self._interval / 2

    def _end_silence(self, *, planned: str = "") -> None:
        silence, self._silence = self._silence, None
        if silence is None:
            return
        silence.trials.stop()
        silence.over, silence.counts = self.look(), self.counts
        if self.leaving:
            silence.trials.drop()
        if not silence.trials.under_way:
            self._conclude(silence, planned=planned)
            return
        # On a busy machine a trial can be slow without being lost: each gets its full time.
        self._closing.append(silence)
        self._loop.call_later(silence.trials.limit, self._conclude, silence)

    def _conclude(self, silence: Silence, *, planned: str = "") -> None:
        if silence in self._closing:
            self._closing.remove(silence)
        elif silence.concluded:
            return
        silence.concluded = True
        silence.trials.lose()
        start, end = silence.first - self._half, silence.last_late + self._half
        if silence.trials.bad_first:
            path_back = silence.trials.path_back(silence.over)
            if silence.last_late - path_back > (path_back - start) + _RECOVERY_SECONDS:
                silence.why = silence.why or "the connection did not recover when packets passed again"
            else:
                end = path_back
        elif silence.slowest > silence.held and not silence.failed:
            end = min(end, start + silence.slowest)  # several late answers in a row are not one long silence
        milliseconds = (end - start) * 1000
        # A full-size beat needs the other process; a plain connection is answered by its kernel alone.
        if (self.full_size or not silence.trials.bad_first) and silence.held > milliseconds / 2000:
            planned, silence.why = planned or PAUSED, f"the other process did not run for {silence.held * 1000:.0f} ms"
        if not silence.counts or (milliseconds < _LEAST_GAP_SECONDS * 1000 and not silence.failed):
            if silence.trouble:
                self._ledger.withdraw(silence.trouble)
            return
        trouble = silence.trouble or self.trouble(start)
        trouble.start, trouble.ms = wall(start), max(0.0, milliseconds)
        trouble.sent, trouble.failed = silence.sent, silence.failed
        trouble.owed, trouble.blamed = silence.owed, silence.blamed
        trouble.why, trouble.planned, trouble.lost = silence.reason, planned, silence.lost
        trouble.peer = "" if self.to_pod else self._peer
        self._ledger.closed(trouble, self.row)

    # Callbacks of the connections.

    def _scout_passed(self, link: Link) -> None:
        if link.trials.passed(link):
            for closing in list(self._closing):
                if closing.trials is link.trials and not closing.trials.under_way:
                    self._conclude(closing)

    def connected(self, link: Link) -> None:
        """Handle a new connection: the flow's own if it had none, else a trial."""
        self.look()
        if self.leaving:
            link.drop()
            return
        if self.full_size:
            self._padding = b"x" * link.segment_bytes
            link.send(self._line(0))
        else:
            self._scout_passed(link)
        if self._link is None:
            self._link = link
            self.usual = self._skew = 0.0
            for beat in self._unanswered:
                link.send(self._line(int(beat[0])))
        elif not self.full_size:
            link.drop()

    def said(self, link: Link, words: list[bytes], now: float) -> None:
        """Handle a received line."""
        if words[0] == b"0" and self.full_size:
            self._scout_passed(link)
            if link is not self._link:
                link.drop()
            return
        if link is not self._link:
            return
        if words[0].isdigit() and len(words) > 2:
            self._answered(int(words[0]), float(words[1]) / 1000, float(words[2]) / 1000, now)
        elif words[0] == b"hello" and len(words) > 2:
            self._peer = words[1].decode("latin-1")
            if not self._unanswered:
                self._end_silence()
            self.reached = True
            if self.to_pod:
                self._ledger.met(self.address, pod=self._peer, node=words[2].decode("latin-1"))
        elif words[0] == b"terminating":
            link.peer_terminates = True
            self.peer_terminates()
        elif words[0] == b"goodbye":
            self._link = None
            link.drop()
            self.peer_terminates()
            if not self.leaving:
                self._be_silent(now)

    def _answered(self, number: int, arrived: float, held: float, now: float) -> None:
        beat: list[float] | None = None
        while self._unanswered and self._unanswered[0][0] <= number:
            beat = self._unanswered.popleft()
        if beat is None or beat[0] != number:
            return
        took = now - beat[1]
        if not beat[2]:
            self.row.answered(took)
        there = arrived - beat[1]
        here = self._clock.held
        silence = self._silence
        if took - held - here <= _LATE_SECONDS + 2 * self.usual and not held > _LEAST_GAP_SECONDS:
            self.usual += _SMOOTHING * (took - self.usual) if self._skew else 0.0
            self._skew = there if not self._skew else self._skew + _SMOOTHING * (there - self._skew)
            if silence:
                self._end_silence()
        elif silence:
            if beat[1] <= silence.first and took - held > took / 2 and self._skew:
                silence.lost = "there" if there - self._skew > took / 2 else "back"
            silence.last_late = max(silence.last_late, beat[1])
            silence.held = max(silence.held, held)
            silence.slowest = max(silence.slowest, took - held - here)

    def ended(self, link: Link, error: Exception | None) -> None:
        """Handle the end of a connection."""
        if link is not self._link or self.leaving:
            return
        if link.peer_terminates and self.to_pod:
            self.finish(TERMINATING)
        elif self.gone:
            self.finish(VANISHED)
        else:
            self._lose_link(cause(error) if error else "ended without a goodbye")

    def _lose_link(self, why: str) -> None:
        link, self._link = self._link, None
        if link:
            link.drop()
        first = self._unanswered[0][1] if self._unanswered else self.look()
        if not self._unanswered:
            self.row.sent += self.counts  # the end of a connection that was answered until then is a loss by itself
        lost = max(1, sum(not beat[2] for beat in self._unanswered))
        self._unanswered.clear()
        self._be_silent(first)
        silence = self._silence
        if silence:
            silence.why = why
            silence.last_late = max(silence.last_late, self.look())
            silence.sent = max(silence.sent, lost)
            silence.owed += lost
            silence.failed += lost

    def finish(self, why: str) -> None:
        """End the connection; beats under way count as planned."""
        if self.leaving:
            return
        self.leaving = True
        self.row.planned += sum(not beat[2] for beat in self._unanswered) if self._silence else 0
        stale = why == VANISHED and self._silence and self.look() - self._silence.first > _VANISHED_SECONDS
        for closing in list(self._closing):
            closing.trials.drop()
            self._conclude(closing)
        self._end_silence(planned="" if stale else why)
        self._unanswered.clear()
        link, self._link = self._link, None
        if link:
            link.drop()

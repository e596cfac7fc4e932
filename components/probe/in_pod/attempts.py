"""Short flows: attempts on a schedule that does not wait for answers, each a connection or a datagram of its own."""

from __future__ import annotations

import asyncio
import json
import ssl
import struct
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from .clock import Clock
from .flows import LIMIT_SECONDS, OWED_SECONDS, PAUSED, VANISHED, Flow, cause
from .ledger import Ledger, Trouble
from .names import NoAddressError, Query, TruncatedError, addresses

_SLOW_SECONDS = 0.9  # the first packet of a connection that is lost is sent again after a second
_API_LIMIT_SECONDS = 5.0
_STRANGER_SECONDS = 1.0
_MOST_BEFORE_SECONDS = 0.25


class BadAnswerError(ValueError):
    """An answer came, and it is not a good one."""


@dataclass(eq=False)
class Attempt:
    """One attempt under way; `peer` is who answered, `held` how long that process says it had not run."""

    started: float
    give_up: Callable[[], None] = lambda: None
    stage: str = "connection"
    peer: str = ""
    held: float = 0.0


@dataclass
class Verdict:
    """How an attempt ended; `why` is empty if all was well."""

    end: float
    why: str = ""
    failed: bool = False


@dataclass
class Streak:
    """Attempts that failed or were slow, one after another; moments of the monotonic clock."""

    first: float
    last_end: float
    last_start: float
    trouble: Trouble


class Attempts(Flow):
    """Attempts every so often.

    An outage reaches from half an interval before the first bad attempt to the middle between the last bad one and the
    next good one; never so far that a single failure of a rare attempt would look like a long outage.
    """

    def __init__(self, kind: str, address: str, *, interval: float, clock: Clock, ledger: Ledger) -> None:
        super().__init__(kind, address, interval=interval, clock=clock, ledger=ledger)
        self._under_way: dict[Attempt, None] = {}
        self._judged: dict[Attempt, Verdict] = {}
        self._streak: Streak | None = None
        self._half = min(interval / 2, _MOST_BEFORE_SECONDS)
        self._limit = _API_LIMIT_SECONDS if kind == "api" else LIMIT_SECONDS

    @abstractmethod
    def begin(self, attempt: Attempt) -> None:
        """Start one; it ends by `good` or `bad`, or is given up."""

    def tick(self, now: float) -> None:
        """Give up what is over the limit and start what is due."""
        for attempt in list(self._under_way):
            if now - attempt.started <= self._limit:
                break
            attempt.give_up()
            self.bad(attempt, f"no {attempt.stage} in {self._limit:.0f} s")
        if self.gone and not self.leaving:
            self.finish(VANISHED)
        if now >= self._due and not self.leaving:
            interval = self._interval if self.counts else max(self._interval, _STRANGER_SECONDS)
            self._due = max(self._due, now - interval) + interval - 0.002
            attempt = Attempt(now)
            self._under_way[attempt] = None
            self.begin(attempt)

    def paused(self, seconds: float) -> None:
        """What is under way gets the time back."""
        for attempt in self._under_way:
            attempt.started += seconds

    def good(self, attempt: Attempt) -> None:
        """It was answered as it should be."""
        now = self._clock.look()
        if attempt not in self._under_way:
            return
        self.reached = True
        took = max(0.0, now - attempt.started - self._clock.held)
        self.row.sent += 1
        self.row.answered(took)
        slow = f"answered after {took:.1f} s" if took > _SLOW_SECONDS else ""
        self._verdict(attempt, Verdict(end=now, why=slow))

    def bad(self, attempt: Attempt, why: str) -> None:
        """It was not answered, or badly."""
        now = self._clock.look()
        if attempt not in self._under_way:
            return
        if not self.counts:
            del self._under_way[attempt]
            return
        self.row.sent += 1
        if self.leaving:
            self.row.planned += 1
        self._verdict(attempt, Verdict(end=now, why=why, failed=True))

    def _verdict(self, attempt: Attempt, verdict: Verdict) -> None:
        """Judge in the order in which they were started: an answer may come before an earlier attempt is given up."""
        del self._under_way[attempt]
        if self.leaving:
            return
        self._judged[attempt] = verdict
        earliest = next(iter(self._under_way)).started if self._under_way else float("inf")
        for each in sorted(self._judged, key=lambda other: other.started):
            if each.started > earliest:
                break
            self._judge(each, self._judged.pop(each))

    def _judge(self, attempt: Attempt, verdict: Verdict) -> None:
        streak = self._streak
        if not verdict.why:
            if streak:
                self._end_streak(attempt.started)
            return
        if streak is None or attempt.started - streak.last_start > 3 * self._interval + self._limit:
            self._end_streak(attempt.started)
            trouble = self.trouble(attempt.started - self._half, why=verdict.why)
            streak = self._streak = Streak(attempt.started, verdict.end, attempt.started, trouble)
        trouble = streak.trouble
        streak.last_start, streak.last_end = attempt.started, verdict.end
        if attempt.held > (verdict.end - attempt.started) / 2:
            trouble.planned = PAUSED
            trouble.why = f"the other process did not run for {attempt.held * 1000:.0f} ms"
        elif verdict.failed and not trouble.planned:
            trouble.why = verdict.why
        trouble.sent += 1
        trouble.failed += verdict.failed
        trouble.owed += verdict.failed
        trouble.ms = (max(streak.last_end, streak.last_start + self._half) - streak.first + self._half) * 1000
        trouble.peer = "" if self.to_pod else attempt.peer
        if trouble.ms > OWED_SECONDS * 1000 and not trouble.planned:
            self.row.failed += trouble.owed
            trouble.owed = 0

    def _end_streak(self, next_start: float, *, planned: str = "") -> None:
        streak, self._streak = self._streak, None
        if streak:
            trouble = streak.trouble
            trouble.planned = trouble.planned or planned
            middle = (streak.last_start + max(next_start, streak.last_start)) / 2
            end = max(streak.last_start + self._half, min(streak.last_end, middle))
            trouble.ms = (end - streak.first + self._half) * 1000
            self._ledger.closed(trouble, self.row)

    def finish(self, why: str) -> None:
        """Start nothing more; an outage so far is put down to the end only if the pod vanished without a word."""
        if not self.leaving:
            for attempt in sorted(self._judged, key=lambda other: other.started):
                self._judge(attempt, self._judged[attempt])
            self._judged.clear()
            self.leaving = True
            self._end_streak(self._clock.look(), planned=why if why == VANISHED else "")


class _Exchange(asyncio.Protocol):
    """Sends one request and collects the answer up to the end of the connection."""

    def __init__(self, request: bytes, done: Callable[[bytes, Exception | None], None], attempt: Attempt) -> None:
        self._request = request
        self._done = done
        self._attempt = attempt
        self._received = b""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._attempt.stage = "answer"
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if end:
            at = head.lower().find(b"content-length:")
            length = head[at + 15 :].split(b"\r\n", 1)[0].strip() if at >= 0 else b""
            if length.isdigit() and len(body) >= int(length):
                self._done(self._received, None)
                if self.transport:
                    self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._done(self._received, exc)


def read_answer(received: bytes) -> dict[str, Any]:
    """What the other probe said of itself in a whole answer of status 200."""
    head, end, body = received.partition(b"\r\n\r\n")
    if not end:
        raise BadAnswerError(f"cut short after {len(received)} bytes")
    status = head.split(b"\r\n", 1)[0].decode("latin-1")
    if status.split()[1:2] != ["200"]:
        raise BadAnswerError(f"answered {status}")
    try:
        said = json.loads(body)
    except ValueError:
        raise BadAnswerError(f"cut short after {len(received)} bytes") from None
    if not isinstance(said, dict):
        raise BadAnswerError("answered by something else than a probe")
    return said


class Requests(Attempts):
    """A GET over a new connection."""

    def __init__(self, kind: str, address: str, *, port: int, interval: float, clock: Clock, ledger: Ledger) -> None:
        super().__init__(kind, address, interval=interval, clock=clock, ledger=ledger)
        self._port = port
        self._request = f"GET / HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n".encode()

    def begin(self, attempt: Attempt) -> None:
        """One request."""
        exchange = _Exchange(self._request, lambda received, error: self._done(attempt, received, error), attempt)
        task = self._loop.create_task(self._connect(attempt, exchange))

        def give_up() -> None:
            task.cancel()
            if exchange.transport:
                exchange.transport.abort()

        attempt.give_up = give_up

    async def _connect(self, attempt: Attempt, exchange: _Exchange) -> None:
        try:
            await self._loop.create_connection(lambda: exchange, self.address, self._port)
        except OSError as error:
            self._clock.look()
            self.bad(attempt, cause(error))

    def _done(self, attempt: Attempt, received: bytes, error: Exception | None) -> None:
        now = self._clock.look()
        if attempt not in self._under_way:
            return
        try:
            if error and not received:
                raise error
            said = read_answer(received)
        except (OSError, BadAnswerError) as fault:
            self.bad(attempt, cause(fault))
            return
        attempt.peer = str(said.get("pod", ""))
        if "paused_ms" in said and said["paused_ago_ms"] / 1000 < now - attempt.started:
            attempt.held = said["paused_ms"] / 1000
        if self.to_pod:
            self._ledger.met(self.address, pod=attempt.peer, node=str(said.get("node", "")))
        self.good(attempt)
        if said.get("terminating"):
            self.peer_terminates()


class Lookups(Attempts):
    """A lookup of one name by one datagram."""

    def __init__(self, name: str, *, server: tuple[str, int], interval: float, clock: Clock, ledger: Ledger) -> None:
        super().__init__("dns", server[0], interval=interval, clock=clock, ledger=ledger)
        self._name = name
        self._server = server

    def begin(self, attempt: Attempt) -> None:
        """One lookup."""
        attempt.stage = "answer"
        query = Query(self._name, server=self._server, done=lambda result: self._done(attempt, result))
        attempt.give_up = query.close

    def _done(self, attempt: Attempt, result: bytes | OSError) -> None:
        self._clock.look()
        if isinstance(result, OSError):
            self.bad(attempt, cause(result))
            return
        try:
            addresses(result)
        except TruncatedError:
            pass  # an answer all the same
        except NoAddressError as error:
            self.bad(attempt, str(error))
            return
        self.good(attempt)


class ApiCalls(Attempts):
    """A request to the API server without credentials: that it answers is the point, not what."""

    def __init__(self, address: str, *, port: int, interval: float, clock: Clock, ledger: Ledger) -> None:
        super().__init__("api", address, interval=interval, clock=clock, ledger=ledger)
        self._port = port
        self._tls = ssl.create_default_context()
        self._tls.check_hostname = False
        self._tls.verify_mode = ssl.CERT_NONE  # nothing is sent that anyone could use

    def begin(self, attempt: Attempt) -> None:
        """One request."""
        task = self._loop.create_task(self._ask(attempt))

        def give_up() -> None:
            task.cancel()

        attempt.give_up = give_up

    async def _ask(self, attempt: Attempt) -> None:
        try:
            reader, writer = await asyncio.open_connection(self.address, self._port, ssl=self._tls)
            try:
                attempt.stage = "answer"
                writer.write(f"GET /version HTTP/1.1\r\nhost: {self.address}\r\nconnection: close\r\n\r\n".encode())
                status = await reader.readline()
            finally:
                writer.transport.abort()
            self._clock.look()
            if not status.startswith(b"HTTP/1."):
                raise BadAnswerError("ended without an answer")
        except (OSError, ssl.SSLError, struct.error, BadAnswerError) as error:
            self._clock.look()
            self.bad(attempt, cause(error))
        else:
            self.good(attempt)

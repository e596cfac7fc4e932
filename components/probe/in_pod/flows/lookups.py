"""Lookups of a name, each by one datagram."""

from __future__ import annotations

from ..clock import Clock
from ..records.ledger import Ledger
from .attempts import Attempt, Attempts
from .dns import NoAddressError, Query, TruncatedError, addresses
from .flow import cause


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
            pass  # an answer nevertheless
        except NoAddressError as error:
            self.bad(attempt, str(error))
            return
        self.good(attempt)

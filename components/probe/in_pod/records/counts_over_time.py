"""Counts over time by kind, in intervals that widen with the run's length, so that they always fit into one line."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from .ledger import LONGEST_LINE_BYTES, Row

_NARROWEST_SECONDS = 10.0
_MOST_MOMENTS = 120


class Past:
    """Counts by interval and kind: sent, failed, planned, and the answers by latency bucket."""

    def __init__(self) -> None:
        self.seconds = _NARROWEST_SECONDS
        self.moments: dict[int, dict[str, list[int]]] = {}
        self._before: dict[str, list[int]] = {}

    def take(self, rows: Iterable[Row], *, at: float) -> None:
        """Add the counts gained since the last call to the interval of `at`, in seconds since 1970."""
        totals: dict[str, list[int]] = {}
        for row in rows:
            counts = [row.sent, row.failed, row.planned, *row.latency]
            known = totals.get(row.kind)
            totals[row.kind] = [mine + its for mine, its in zip(known, counts)] if known else counts
        moment = self.moments.setdefault(int(at // self.seconds), {})
        for kind, counts in totals.items():
            before = self._before.get(kind) or [0] * len(counts)
            gained = [now - was for now, was in zip(counts, before)]
            known = moment.get(kind)
            moment[kind] = [mine + its for mine, its in zip(known, gained)] if known else gained
        self._before = totals
        while max(self.moments) - min(self.moments) >= _MOST_MOMENTS:
            self._widen()

    def _widen(self) -> None:
        self.seconds *= 2
        halves, self.moments = self.moments, {}
        for number, kinds in halves.items():
            moment = self.moments.setdefault(number // 2, {})
            for kind, counts in kinds.items():
                known = moment.get(kind)
                moment[kind] = [mine + its for mine, its in zip(known, counts)] if known else counts

    def line(self, origin: Mapping[str, str]) -> str:
        """All counts as one line of JSON; a later line replaces it."""
        while True:
            packed = zlib.compress(json.dumps(self.moments, separators=(",", ":")).encode())
            said: dict[str, Any] = {
                "past": 1,
                **origin,
                "seconds": self.seconds,
                "moments": base64.b64encode(packed).decode(),
            }
            text = json.dumps(said, separators=(",", ":"))
            if len(text) <= LONGEST_LINE_BYTES or len(self.moments) < 2:
                return text
            self._widen()

"""Time spans with activity, so that a pause of days between two waves takes no room on the page."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

# Runs that follow each other within this time share one timeline.
_TOGETHER = timedelta(minutes=15)
_MARGIN_SHARE = 0.02
_LEAST_MARGIN, _MOST_MARGIN = timedelta(seconds=2), _TOGETHER / 3


@dataclass(frozen=True, kw_only=True)
class Span:
    """One time span that is drawn as a whole."""

    start: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        """Its length in seconds."""
        return (self.end - self.start).total_seconds()

    def holds(self, start: datetime, end: datetime) -> bool:
        """True if the given time overlaps it."""
        return start <= self.end and end >= self.start

    def share(self, start: datetime, end: datetime) -> float:
        """The share of it between two moments, from 0 to 1."""
        return max(0.0, (min(end, self.end) - max(start, self.start)).total_seconds() / self.seconds)


def spans(happened: Iterable[tuple[datetime, datetime]]) -> list[Span]:
    """Spans of activities that are close together, with a little room before and after."""
    merged: list[tuple[datetime, datetime]] = []
    for start, end in sorted(happened):
        if merged and start - merged[-1][1] <= _TOGETHER:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return [_with_margin(start, end) for start, end in merged]


def _with_margin(start: datetime, end: datetime) -> Span:
    margin = min(max(_LEAST_MARGIN, (end - start) * _MARGIN_SHARE), _MOST_MARGIN)
    return Span(start=start - margin, end=end + margin)

"""The timeline of all flows, made from the probes' pasts."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime

from components.probe.measured import Moment, Outage
from components.probe.records import Past

_FAILED, _PLANNED = 1, 2
_LATE_SECONDS = 30.0  # failures are counted once they are certain, a while after they began


def timeline(pasts: Iterable[Past], *, since: float, excused: Iterable[Outage]) -> tuple[Moment, ...]:
    """All flows of each kind in the widest intervals that any probe uses, from `since` (seconds since 1970) on.

    Failures that the other end's record has explained since are counted as planned.
    """
    pasts = list(pasts)
    seconds = max((past.seconds for past in pasts), default=0.0)
    sums: dict[tuple[int, str], list[int]] = defaultdict(list)
    for past in pasts:
        for number, kinds in past.moments.items():
            if (number + 1) * past.seconds <= since:
                continue
            for kind, counts in kinds.items():
                key = int(number * past.seconds // seconds), kind
                known = sums[key]
                sums[key] = [mine + its for mine, its in zip(known, counts, strict=True)] if known else [*counts]
    for outage in excused if sums else ():
        _excuse(sums, outage, seconds=seconds)
    return tuple(
        Moment.model_validate(
            {
                "kind": kind,
                "start": datetime.fromtimestamp(number * seconds, UTC),
                "seconds": seconds,
                "sent": sent,
                "failed": failed,
                "planned": planned,
                "latency": latency,
            }
        )
        for (number, kind), (sent, failed, planned, *latency) in sorted(sums.items())
        if sent or failed or planned
    )


def _excuse(sums: dict[tuple[int, str], list[int]], outage: Outage, *, seconds: float) -> None:
    left = outage.failed
    start = outage.start.timestamp()
    last = int((start + outage.milliseconds / 1000 + _LATE_SECONDS) // seconds)
    for number in range(int(start // seconds), last + 1):
        counts = sums.get((number, outage.kind))
        if counts and left:
            moved = min(left, counts[_FAILED])
            counts[_FAILED] -= moved
            counts[_PLANNED] += moved
            left -= moved

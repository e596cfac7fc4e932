"""The nodes' clock skews against the API server."""

from collections.abc import Iterable
from datetime import datetime

from components.operations.selectors import Object


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def clock_skews(leases: Iterable[Object]) -> dict[str, float]:
    """Seconds that each node's clock is ahead, from its Lease; nodes without the necessary times are left out.

    A kubelet writes `renewTime` by its own clock, and the API server adds the time of that request by its own.
    """
    skews = {}
    for lease in leases:
        renewed = (lease.get("spec") or {}).get("renewTime")
        written = [
            _moment(entry["time"])
            for entry in lease["metadata"].get("managedFields") or []
            if entry.get("time") and "f:renewTime" in ((entry.get("fieldsV1") or {}).get("f:spec") or {})
        ]
        if renewed and written:
            skews[lease["metadata"]["name"]] = (_moment(renewed) - max(written)).total_seconds()
    return skews

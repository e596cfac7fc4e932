"""The gate of Goldpinger, for clusters that run it: no node's turn begins while it reports an unhealthy node."""

import re

from components.operations.gates.web import WebError, ask, refused
from stacks.sections.gates import Source

# `goldpinger_nodes_health_total{goldpinger_instance="…",status="unhealthy"} 0`, one instance or all of them together.
_HEALTH = re.compile(r'^goldpinger_nodes_health_total\{[^}]*status="(\w+)"[^}]*\}\s+(\S+)', re.MULTILINE)


def assert_all_healthy(source: Source) -> None:
    """Raise OperationError if Goldpinger's metrics report unhealthy nodes, or no nodes, or cannot be read.

    In doubt the gate is closed, as the user configured it on purpose.
    """
    try:
        text = ask(source, "" if source.base.endswith("/metrics") else "/metrics").decode(errors="replace")
        counts = _counts(text)
    except WebError as error:
        raise refused(source, "cannot be asked", error) from None
    if not counts.get("healthy"):
        why = WebError("no goldpinger_nodes_health_total with a number of them; is that its address?")
        raise refused(source, "tells of no healthy node", why)
    if counts.get("unhealthy"):
        why = WebError(f"beside {counts['healthy']:.0f} healthy ones")
        raise refused(source, f"sees {counts['unhealthy']:.0f} unhealthy nodes", why)


def _counts(text: str) -> dict[str, float]:
    """The number of nodes by status: the largest that any instance reports."""
    counts: dict[str, float] = {}
    for status, number in _HEALTH.findall(text):
        try:
            count = float(number)
        except ValueError:
            count = -1
        if not count >= 0:
            raise WebError(f"its number of {status} nodes is {number[:20]!r}")
        counts[status] = max(counts.get(status, 0.0), count)
    return counts

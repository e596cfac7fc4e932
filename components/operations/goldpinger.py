"""Goldpinger, where a cluster already runs it: no node's turn begins while it sees an unhealthy node."""

import re
import urllib.error
import urllib.request

from components.operations.deadline import OperationError

_SECONDS = 10
# `goldpinger_nodes_health_total{goldpinger_instance="…",status="unhealthy"} 0`, one instance or all of them together.
_HEALTH = re.compile(r'^goldpinger_nodes_health_total\{[^}]*status="(\w+)"[^}]*\}\s+([0-9.e+]+)', re.MULTILINE)


def assert_all_healthy(url: str) -> None:
    """Raise OperationError if Goldpinger's metrics at `url` tell of unhealthy nodes, or of no node, or not at all.

    In doubt the gate is closed: who asks for it wants it so.
    """
    address = url if url.rstrip("/").endswith("/metrics") else f"{url.rstrip('/')}/metrics"
    remedy = "no node was touched: mend that, or `pulumi config rm --path gates.goldpingerUrl`"
    try:
        with urllib.request.urlopen(address, timeout=_SECONDS) as answer:  # noqa: S310 (the user's own URL)
            text = answer.read().decode(errors="replace")
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise OperationError(f"Goldpinger at {address} cannot be asked ({error}); {remedy}") from error
    counts: dict[str, float] = {}
    for status, number in _HEALTH.findall(text):
        counts[status] = max(counts.get(status, 0.0), float(number))
    if not counts.get("healthy"):
        raise OperationError(
            f"Goldpinger at {address} tells of no healthy node (goldpinger_nodes_health_total); is that its address? "
            f"{remedy}"
        )
    if counts.get("unhealthy"):
        raise OperationError(
            f"Goldpinger at {address} sees {counts['unhealthy']:.0f} unhealthy nodes beside {counts['healthy']:.0f} "
            f"healthy ones; {remedy}"
        )

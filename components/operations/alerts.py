"""Firing Prometheus alerts: where a server is configured, none may fire when a node's turn begins."""

import json
import re
import urllib.error
import urllib.parse
import urllib.request

from components.operations.deadline import OperationError
from components.words import many

_SECONDS = 10


def assert_none_firing(url: str, *, ignore: str) -> None:
    """Raise OperationError if an alert fires whose name does not match `ignore` (a regular expression, may be empty).

    A server that cannot be asked counts as firing: who asks for the gate wants it closed in doubt.
    """
    query = urllib.parse.urlencode({"query": 'ALERTS{alertstate="firing"}'})
    address = f"{url.rstrip('/')}/api/v1/query?{query}"
    try:
        with urllib.request.urlopen(address, timeout=_SECONDS) as answer:  # noqa: S310 (the user's own URL)
            found = json.load(answer)["data"]["result"]
    except (urllib.error.URLError, OSError, ValueError, KeyError) as error:
        raise OperationError(
            f"Prometheus at {url} cannot be asked for firing alerts ({error}); no node was touched: mend that, or "
            "`pulumi config rm --path gates.prometheusUrl`"
        ) from error
    names = sorted({each["metric"].get("alertname", "?") for each in found})
    firing = [name for name in names if not (ignore and re.fullmatch(ignore, name))]
    if firing:
        raise OperationError(
            f"{many(len(firing), 'alert')} firing at {url}: {', '.join(firing[:10])}; no node was touched: wait until "
            "that is over, or name those that do not matter in gates.ignoreAlerts"
        )

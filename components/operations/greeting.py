"""The API server's version, and how fast it says it."""

import statistics
import time

from components.operations.api import Cluster, ClusterError

_TIMES = 4


def greet(cluster: Cluster) -> tuple[str, float]:
    """The server's version, empty if the user may not read it, and the seconds that so small an answer takes.

    The first answer is left out: the connection is made for it.
    """
    taken: list[float] = []
    version = ""
    for _ in range(_TIMES):
        began = time.monotonic()
        try:
            version = str(cluster.get("/version").get("gitVersion", ""))
        except ClusterError as error:
            if error.status != 403:
                raise
        taken.append(time.monotonic() - began)
    return version, statistics.median(taken[1:])

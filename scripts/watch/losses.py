"""Losses of the flows until now, read from the probes every few seconds in the background."""

import threading
import time
from dataclasses import dataclass

from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError
from components.operations.deadline import OperationError
from components.probe.measured import Measurement
from scripts.report.cluster_record import read_told
from scripts.report.probes import measure_now
from scripts.report.restarts import restarts_told

_EVERY_SECONDS = 4.0
# Reading the probes costs every kubelet something: on a large cluster it is done less often.
_SHARE_OF_TIME = 0.25


@dataclass
class Losses:
    """Reads the probes repeatedly in a thread of its own; `untold` is the reason if there is no current reading."""

    cluster: Cluster
    cilium_namespace: str
    latest: Measurement | None = None
    untold: str = ""

    def start(self) -> None:
        """Start the thread, which ends with the process."""
        threading.Thread(target=self._go_on, name="losses", daemon=True).start()

    def read(self) -> None:
        """Read all probes once."""
        try:
            restarts = restarts_told(read_told(self.cluster))
            self.latest = measure_now(
                self.cluster, cilium_namespace=self.cilium_namespace, restarts=restarts, timeline=False
            )
            self.untold = ""
        except (ClusterError, OperationError) as error:
            self.untold = str(error)

    def _go_on(self) -> None:
        while True:
            began = time.monotonic()
            self.read()
            took = time.monotonic() - began
            time.sleep(max(_EVERY_SECONDS - took, took / _SHARE_OF_TIME - took))

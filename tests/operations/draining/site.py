"""Helpers of the drain's tests."""

import threading
from typing import Any

from components.operations.cluster_api.api import Cluster
from components.operations.draining.drain import drain
from components.operations.progress import Progress
from stacks.sections.node import DrainSettings
from tests.operations.conftest import Space, eventually

APPS = "/apis/apps/v1"
BUDGETS = "/apis/policy/v1"


def run(cluster: Cluster, node: str, **options: Any) -> tuple[str, ...]:
    """Drain with little patience; returns who was evicted."""
    settings = DrainSettings.model_construct(**{"timeout_seconds": 30, "replacements_timeout_seconds": 30, **options})
    return drain(cluster, node, options=settings, progress=Progress(node, 2)).evicted


def only_on(space: Space, app: str, node: str) -> list[str]:
    """The pods of an app that are on the node."""
    return [pod["metadata"]["name"] for pod in space.pods(app) if pod["spec"].get("nodeName") == node]


def here(node: str) -> dict[str, Any]:
    """Fields of a pod that can run on this node alone."""
    return {"nodeSelector": {"kubernetes.io/hostname": node}}


def counted(space: Space, name: str, *, healthy: int) -> None:
    """Return once the budget counts that many healthy pods."""
    path = space.path("poddisruptionbudgets", name, group=BUDGETS)
    eventually(
        lambda: (
            (space.cluster.get(path).get("status") or {}).get("currentHealthy", -1) == healthy
            and space.cluster.get(path)["status"].get("expectedPods")
        )
    )


class Background:
    """A drain in a thread of its own."""

    def __init__(self, cluster: Cluster, node: str, **options: Any) -> None:
        self.evicted: tuple[str, ...] | None = None
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._run, args=(cluster, node), kwargs=options)
        self._thread.start()

    def _run(self, cluster: Cluster, node: str, **options: Any) -> None:
        try:
            self.evicted = run(cluster, node, **options)
        except Exception as error:  # noqa: BLE001
            self.error = error

    @property
    def under_way(self) -> bool:
        """True if it has not ended yet."""
        return self._thread.is_alive()

    def outcome(self, seconds: float = 40) -> tuple[str, ...]:
        """The evicted pods, once it ended; raises its exception."""
        self._thread.join(timeout=seconds)
        assert not self.under_way, f"the drain did not end in {seconds} s"
        if self.error:
            raise self.error
        assert self.evicted is not None
        return self.evicted

"""A Lease on a small API in memory, and a time that passes only when somebody waits."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError
from components.operations.lease import PATH, Hold, other_run

Object = dict[str, Any]
NODE = "/api/v1/nodes/worker-1"


@dataclass
class World:
    """The API server's one Lease, the seconds, and what happens in each."""

    lease: Object | None = None
    seconds: float = 1000.0
    version: int = 0
    beside: list[Callable[[], None]] = field(default_factory=list)
    away: set[str] = field(default_factory=set)
    answer_seconds: float = 0.0

    def sleep(self, seconds: float) -> None:
        """Time passes, and with each second whatever goes on beside."""
        end = self.seconds + seconds
        while self.seconds < end:
            self.seconds = min(self.seconds + 1, end)
            for happens in list(self.beside):
                happens()

    def write(self, spec: Object) -> Object:
        """A change of the Lease by anybody; None removes a field."""
        self.version += 1
        merged = {**((self.lease or {}).get("spec") or {}), **spec}
        kept = {key: value for key, value in merged.items() if value is not None}
        self.lease = {"metadata": {"resourceVersion": str(self.version)}, "spec": kept}
        return self.lease

    def run(self, name: str) -> Hold:
        """A run on this world, whose renewals a test makes itself."""
        return Hold(self.client(name), run=name, clock=lambda: self.seconds, sleep=self.sleep, begin=lambda _: None)

    def client(self, name: str) -> Cluster:
        """The API as this run reaches it, unless it is `away`."""
        return cast("Cluster", _Client(self, name))

    def seen(self) -> str:
        """The run that a preview sees at work."""
        return other_run(self.client("preview"), clock=lambda: self.seconds, sleep=self.sleep)


@dataclass
class _Client:
    world: World
    name: str

    def _arrive(self) -> None:
        if self.name in self.world.away:
            raise ClusterError("no answer from https://example")

    def find(self, path: str) -> Object | None:
        self._arrive()
        assert path == PATH
        return self.world.lease

    def create(self, _folder: str, body: Object) -> Object:
        self._arrive()
        if self.world.lease is not None:
            raise ClusterError("it exists", status=409)
        return self.world.write(body["spec"])

    def patch(self, _path: str, body: Object) -> Object:
        self._arrive()
        if self.world.lease is None:
            raise ClusterError("it is not there", status=404)
        if body["metadata"]["resourceVersion"] != self.world.lease["metadata"]["resourceVersion"]:
            raise ClusterError("it was changed", status=409)
        item = self.world.write(body["spec"])
        self.world.seconds += self.world.answer_seconds
        return item


def may_write(hold: Hold) -> bool:
    """True if the run may change something at this moment."""
    try:
        hold.allow(NODE)
    except Exception:  # noqa: BLE001 (whatever keeps it from changing something)
        return False
    return True

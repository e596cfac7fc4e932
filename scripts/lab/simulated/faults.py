"""Fault injection for simulated nodes: tests write a file that the simulator reads before each step.

    with plane.faults.during(Faults(nodes={"worker-1": NodeFaults(agent="crashing")})): ...

The node "*" stands for every node that is not named; pods are named by a prefix of `namespace/name`.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict


class _Fault(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NodeFaults(_Fault):
    """Faults of one node and its agent; times in seconds."""

    agent: Literal["", "never-ready", "crashing"] = ""
    agent_ready_seconds: float = 0.2
    conf_never_written: bool = False
    tunnel_down: bool = False
    flannel_insists: bool = False
    never_reboots: bool = False
    reboot_seconds: float = 1.0
    stays_not_ready: bool = False


class PodFaults(_Fault):
    """Faults of some pods; times in seconds."""

    start_seconds: float = 0.0
    terminate_seconds: float = 0.0
    stays: Literal["", "pending", "crashing"] = ""
    stuck_terminating: bool = False
    exec_fails: bool = False
    logs_fail: bool = False


class BrokenFlow(_Fault):
    """Packet loss from the pods of one node to those of another.

    The target may also be `api`, `dns`, `service` or `host-port`.
    """

    source: str = "*"
    target: str = "*"

    def covers(self, source: str, target: str) -> bool:
        """True if packets from `source` to `target` are lost."""
        return self.source in ("*", source) and self.target in ("*", target)


class Faults(_Fault):
    """All faults that are currently injected.

    `patience_seconds` shortens the time for which the probe retries a target that does not answer.
    """

    nodes: Mapping[str, NodeFaults] = {}
    pods: Mapping[str, PodFaults] = {}
    flows: tuple[BrokenFlow, ...] = ()
    patience_seconds: float | None = None

    def node(self, name: str) -> NodeFaults:
        """The faults of a node."""
        return self.nodes.get(name) or self.nodes.get("*") or NodeFaults()

    def pod(self, title: str) -> PodFaults:
        """The faults of the pod `namespace/name`, by the longest matching prefix."""
        fitting = [beginning for beginning in self.pods if title.startswith(beginning)]
        return self.pods[max(fitting, key=len)] if fitting else PodFaults()

    def breaks(self, source: str, target: str) -> bool:
        """True if packets from the pods of `source` to `target` are lost."""
        return any(flow.covers(source, target) for flow in self.flows)


class FaultFile:
    """The file that holds the faults; a read returns the last write."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seen: tuple[int, int] | None = None
        self._faults = Faults()

    def read(self) -> Faults:
        """The current faults."""
        try:
            status = self._file.stat()
        except FileNotFoundError:
            return Faults()
        if (seen := (status.st_ino, status.st_mtime_ns)) != self._seen:
            self._faults = Faults.model_validate_json(self._file.read_text())
            self._seen = seen
        return self._faults

    def write(self, faults: Faults) -> None:
        """Replace the current faults."""
        scratch = self._file.with_suffix(".new")
        scratch.write_text(faults.model_dump_json())
        scratch.replace(self._file)

    def clear(self) -> None:
        """Remove all faults."""
        self._file.unlink(missing_ok=True)

    @contextmanager
    def during(self, faults: Faults) -> Iterator[None]:
        """Inject these faults until the block ends."""
        self.write(faults)
        try:
            yield
        finally:
            self.clear()

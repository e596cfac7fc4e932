"""The state of the lab's nodes, as `status` shows it, and waits for it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from scripts.lab.console import LabError


@dataclass(frozen=True, kw_only=True)
class NodeStatus:
    """The status of one machine, from its supervisor and the API server."""

    name: str
    address: str
    running: bool
    process: int | None
    boots: int
    boot_id: str
    ready: bool | None = None
    """The readiness in the Node object; None for the control plane and if the API server does not answer."""


@dataclass(frozen=True, kw_only=True)
class Status:
    """The status of the whole lab."""

    lab_id: str
    running: bool
    api_ready: bool = False
    server: str = ""
    machines: tuple[NodeStatus, ...] = field(default=())


def wait(condition: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Wait until the condition holds; raises LabError, with what was waited for, when the time is over."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise LabError(f"waited {seconds:.0f} s for {what}, in vain")
        time.sleep(0.1)

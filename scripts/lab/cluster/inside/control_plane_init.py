"""The control plane's first process: etcd, the API server, the controller manager and the scheduler."""

import os
import socket
import ssl
import sys
import urllib.error
import urllib.request
from pathlib import Path

from scripts.lab.cluster.inside import kernel, network
from scripts.lab.cluster.inside.keeper import Daemon, Keeper
from scripts.lab.cluster.inside.plan import BootPlan

_API_SECONDS = 120


def _ready(plan: BootPlan) -> bool:
    context = ssl.create_default_context(cafile=plan.environment["LAB_AUTHORITY"])
    try:
        with urllib.request.urlopen(  # noqa: S310 - always https
            f"{plan.environment['LAB_API_SERVER']}/readyz", context=context, timeout=2
        ) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def boot(plan_file: str) -> None:
    """Start the daemons in their order and keep them running; never returns."""
    plan = BootPlan.read(Path(plan_file))
    kernel.mount(None, "/", flags=kernel.RECURSIVE | kernel.PRIVATE)
    kernel.mount("proc", "/proc", kind="proc", flags=kernel.NO_SUID | kernel.NO_DEVICES | kernel.NO_EXEC)
    socket.sethostname(plan.name)
    network.set_up(plan)
    keeper = Keeper(logs=Path(plan.logs), environment=dict(os.environ))
    etcd, api_server, *others = [Daemon(name, tuple(command)) for name, command in plan.daemons.items()]
    keeper.start(etcd)
    keeper.start(api_server)
    # The others end at once when the API server has not yet made the roles that they need.
    keeper.wait_for(lambda: _ready(plan), seconds=_API_SECONDS, what=api_server.name)
    for daemon in others:
        keeper.start(daemon)
    keeper.run_for_ever()


if __name__ == "__main__":
    boot(sys.argv[1])

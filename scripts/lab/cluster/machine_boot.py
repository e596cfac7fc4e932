"""Starts one machine of the lab: new namespaces, its control group, its cable, its first process."""

import contextlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from scripts.lab.cluster import cgroups, fabric
from scripts.lab.cluster.configuration import machine_folder
from scripts.lab.cluster.inside import kernel
from scripts.lab.cluster.layout import CONTROL_PLANE, Machine
from scripts.lab.paths import CHECKOUT

_NAMESPACES = kernel.NEW_MOUNT | kernel.NEW_PID | kernel.NEW_NETWORK | kernel.NEW_HOSTNAME | kernel.NEW_IPC


@dataclass(frozen=True, kw_only=True)
class Boot:
    """One boot of one machine."""

    machine: Machine
    folder: Path
    lab_id: str
    boot_id: str
    trees: list[cgroups.Hierarchy]

    @property
    def group(self) -> str:
        """The machine's control group."""
        return f"{self.lab_id}/{self.machine.name}"

    def start(self) -> int:
        """Start the machine; returns the process id of its init."""
        cgroups.create(self.group, trees=self.trees)
        fabric.unplug(self.machine)
        may_go, go = os.pipe2(os.O_CLOEXEC)
        child = kernel.clone(_NAMESPACES)
        if child == 0:
            self._become_init(may_go, go)
        os.close(may_go)
        try:
            fabric.plug_in(self.machine, pid=child)
            os.write(go, b"!")
        finally:
            # Closing it without a write tells the child to give up.
            os.close(go)
        return child

    def _become_init(self, may_go: int, go: int) -> None:
        try:
            kernel.die_with_parent()
            os.close(go)
            os.setsid()
            cgroups.join(self.group, trees=self.trees)
            # Only now: the namespace's root is the group that the process is in.
            kernel.unshare(kernel.NEW_CGROUP)
            home = machine_folder(self.folder, self.machine.name)
            log = os.open(home / "log/init.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(log, 1)
            os.dup2(log, 2)
            if os.read(may_go, 1) != b"!":
                os._exit(1)
            program = "control_plane_init" if self.machine.name == CONTROL_PLANE else "node_root"
            plan = str(home / "config/boot.json")
            arguments = [sys.executable, "-B", "-S", "-s", "-m", f"scripts.lab.cluster.inside.{program}"]
            environment = {
                "PYTHONPATH": str(CHECKOUT),
                "LAB_ID": self.lab_id,
                "HOME": "/root",
                "PATH": os.environ.get("PATH", os.defpath),
            }
            os.execve(sys.executable, [*arguments, plan, self.boot_id], environment)  # noqa: S606
        except OSError as error:
            with contextlib.suppress(OSError):
                os.write(2, f"{self.machine.name} cannot boot: {error}\n".encode())
        finally:
            os._exit(1)

    def clear(self) -> None:
        """Remove what the machine left on the host once its last process has ended."""
        fabric.unplug(self.machine)
        cgroups.remove(self.group, trees=self.trees)

"""The one process outside the lab's machines: holds their network, starts them, and restarts those that reboot.

A reboot inside a machine makes the kernel end the machine's first process by SIGHUP, a power-off by SIGINT; any
other end counts as a crash, after which a machine starts again too. When the supervisor ends, however it ends,
the kernel ends every machine with it.
"""

import asyncio
import contextlib
import fcntl
import os
import signal
import sys
import time
import uuid
from pathlib import Path

from scripts.lab.cluster import cgroups, fabric, forwarder, state
from scripts.lab.cluster.layout import Layout, Machine
from scripts.lab.cluster.machine_boot import Boot
from scripts.lab.console import LabError

_CRASH_PAUSE_SECONDS = 1.0
_ENDS: dict[int, str] = {signal.SIGHUP: "reboot", signal.SIGINT: "power off", signal.SIGKILL: "killed"}


class Supervisor:
    """Runs the machines of one lab."""

    def __init__(self, folder: Path, *, layout: Layout, port: int) -> None:
        self._folder = folder
        self._layout = layout
        self._trees = cgroups.machine_hierarchies()
        self._state = state.LabState(lab_id=layout.lab_id, supervisor=state.Process.of(os.getpid()), port=port)
        self._boots: dict[str, Boot] = {}
        self._stopped = asyncio.Event()

    def write(self) -> None:
        """Write the state file, which all other commands read."""
        state.write_state(self._folder, self._state)

    async def run(self) -> None:
        """Start all machines; returns after a stop request, when all of them have ended."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopped.set)
        loop.add_signal_handler(signal.SIGHUP, self._start_missing)
        self._start_missing()
        await self._stopped.wait()
        self._stop_all()

    def _start_missing(self) -> None:
        """Start the machines of the layout that do not run: at first all, later new nodes and those powered off."""
        self._layout = read_layout(self._folder)
        for machine in self._layout.machines:
            if machine.name not in self._boots:
                self._start(machine)

    def _start(self, machine: Machine) -> None:
        boot = Boot(
            machine=machine,
            folder=self._folder,
            lab_id=self._layout.lab_id,
            boot_id=str(uuid.uuid4()),
            trees=self._trees,
        )
        known = self._state.machines.setdefault(machine.name, state.MachineState(status="off"))
        try:
            pid = boot.start()
        except (OSError, LabError) as error:
            say(f"{machine.name} cannot start: {error}")
            return
        self._boots[machine.name] = boot
        known.status, known.init, known.boot_id = "running", state.Process.of(pid), boot.boot_id
        known.boots += 1
        self.write()
        say(f"{machine.name} started, boot {known.boots} {boot.boot_id}, process {pid}")
        self._watch(machine, pid)

    def _watch(self, machine: Machine, pid: int) -> None:
        loop = asyncio.get_running_loop()
        descriptor = os.pidfd_open(pid)

        def ended() -> None:
            loop.remove_reader(descriptor)
            os.close(descriptor)
            self._ended(machine, pid)

        loop.add_reader(descriptor, ended)

    def _ended(self, machine: Machine, pid: int) -> None:
        # The kernel reports the end of the first process only after every other process of the machine has ended.
        _, status = os.waitpid(pid, 0)
        killed_by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
        exited = f"exit {os.waitstatus_to_exitcode(status)}"
        why = _ENDS.get(killed_by, f"signal {killed_by}") if killed_by else exited
        say(f"{machine.name} ended: {why}")
        known = self._state.machines[machine.name]
        known.status, known.init, known.last_end = "off", None, why
        self._boots.pop(machine.name).clear()
        self.write()
        if killed_by == signal.SIGINT or self._stopped.is_set():
            return
        asyncio.get_running_loop().call_later(0 if killed_by else _CRASH_PAUSE_SECONDS, self._start_again, machine)

    def _start_again(self, machine: Machine) -> None:
        if machine.name not in self._boots and not self._stopped.is_set():
            self._start(machine)

    def _stop_all(self) -> None:
        running = [known for known in self._state.machines.values() if known.init]
        for known in running:
            assert known.init is not None
            known.init.kill(signal.SIGKILL)
        for known in running:
            assert known.init is not None
            with contextlib.suppress(ChildProcessError):
                os.waitpid(known.init.pid, 0)
            known.status, known.init = "off", None
        for boot in self._boots.values():
            boot.clear()
        cgroups.remove(self._layout.lab_id, trees=self._trees)
        self.write()


def say(text: str) -> None:
    """One line in the supervisor's log."""
    print(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {text}", flush=True)


def read_layout(folder: Path) -> Layout:
    """The layout that `up` wrote."""
    return Layout.model_validate_json((folder / "layout.json").read_text())


async def _main(folder: Path, up_lock: int) -> None:
    alone = (folder / "supervisor.lock").open("w")
    fcntl.flock(alone, fcntl.LOCK_EX | fcntl.LOCK_NB)
    layout = read_layout(folder)
    before = state.read_state(folder)
    server = forwarder.listen(before.port if before else 0)
    supervisor = Supervisor(folder, layout=layout, port=server.getsockname()[1])
    # This process inherited the lock of `up`, so that no `down` can run between its start and this line.
    supervisor.write()
    os.close(up_lock)
    fabric.enter(layout)
    await forwarder.serve(server, host=str(layout.control_plane.address), port=layout.api_port)
    await supervisor.run()


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1]), int(sys.argv[2])))

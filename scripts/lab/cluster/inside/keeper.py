"""Supervises a machine's daemons: starts them, restarts those that end, and reaps every orphan."""

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_PAUSE_SECONDS = 1.0


@dataclass(frozen=True)
class Daemon:
    """One daemon: the name of its log file, and its command line."""

    name: str
    command: tuple[str, ...]


class Keeper:
    """The supervisor in a machine's first process."""

    def __init__(self, *, logs: Path, environment: dict[str, str]) -> None:
        self._logs = logs
        self._environment = environment
        self._running: dict[int, Daemon] = {}

    def start(self, daemon: Daemon) -> None:
        """Start one daemon; its output is appended to its log."""
        program = shutil.which(daemon.command[0], path=self._environment["PATH"])
        if program is None:
            raise FileNotFoundError(f"{daemon.command[0]} is not on {self._environment['PATH']}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        pid = os.posix_spawn(
            program,
            daemon.command,
            self._environment,
            setsid=True,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(self._logs / f"{daemon.name}.log"), flags, 0o644),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
        )
        self._running[pid] = daemon
        print(f"{_now()} {daemon.name} started, process {pid}", flush=True)

    def wait_for(self, ready: Callable[[], bool], *, seconds: float, what: str) -> None:
        """Wait until `ready`; meanwhile keep the daemons running."""
        deadline = time.monotonic() + seconds
        while not ready():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what} not ready after {seconds:.0f} s")
            self._reap(os.WNOHANG)
            time.sleep(0.05)
        print(f"{_now()} {what} ready", flush=True)

    def run_for_ever(self) -> None:
        """Reap and restart until the kernel ends this process."""
        while True:
            self._reap(0)

    def _reap(self, options: int) -> None:
        try:
            pid, status = os.waitpid(-1, options)
        except ChildProcessError:
            time.sleep(_PAUSE_SECONDS)
            return
        daemon = self._running.pop(pid, None)
        if daemon is None:
            return
        print(f"{_now()} {daemon.name} ended with {os.waitstatus_to_exitcode(status)}, starting it again", flush=True)
        time.sleep(_PAUSE_SECONDS)
        self.start(daemon)


def _now() -> str:
    return time.strftime("%H:%M:%S", time.gmtime())

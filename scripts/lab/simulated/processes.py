"""Background processes with pid files, so that a later command can stop those of an earlier one."""

import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from scripts.lab.console import LabError
from scripts.lab.paths import CHECKOUT

_GRACE_SECONDS = 10.0


@dataclass
class Processes:
    """The processes of one folder, each with `<name>.pid` and `<name>.log`."""

    folder: Path
    _children: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict, init=False)

    def start(self, name: str, command: list[str]) -> None:
        """Start `command` detached from this terminal, so that Ctrl-C here does not end it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log(name).open("ab") as log:
            child = subprocess.Popen(
                command, cwd=CHECKOUT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip
        self._children[name] = child
        self._pid_file(name).write_text(f"{child.pid}\n{command[0]}\n")

    def alive(self, name: str) -> bool:
        """True if the program runs; a pid that now belongs to another program does not count."""
        if child := self._children.get(name):
            return child.poll() is None
        return self._running_pid(name) is not None

    def require_alive(self, name: str) -> None:
        """Raise LabError with the end of the log if the program has ended."""
        if not self.alive(name):
            tail = "\n  ".join(self.log(name).read_text(errors="replace").splitlines()[-8:])
            raise LabError(f"{name} ended by itself; the end of {self.log(name)}:\n  {tail}")

    def stop(self, name: str) -> None:
        """Stop the program: by SIGTERM, and by SIGKILL after ten seconds. Does nothing if it does not run."""
        pid = self._running_pid(name)
        if pid is not None:
            self._end(name, pid)
        self._children.pop(name, None)
        self._pid_file(name).unlink(missing_ok=True)

    def kill(self, name: str) -> None:
        """Kill the program at once."""
        pid = self._running_pid(name)
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            while self.alive(name):
                time.sleep(0.01)

    def log(self, name: str) -> Path:
        """The file with the program's output."""
        return self.folder / f"{name}.log"

    def _pid_file(self, name: str) -> Path:
        return self.folder / f"{name}.pid"

    def _running_pid(self, name: str) -> int | None:
        if not self._pid_file(name).exists():
            return None
        pid_text, program = self._pid_file(name).read_text().split("\n")[:2]
        try:
            running = (Path("/proc") / pid_text / "cmdline").read_bytes().split(b"\0")[0].decode()
        except OSError:
            return None
        return int(pid_text) if running == program else None

    def _end(self, name: str, pid: int) -> None:
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + _GRACE_SECONDS
        while self.alive(name):
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
                deadline = float("inf")
            time.sleep(0.05)

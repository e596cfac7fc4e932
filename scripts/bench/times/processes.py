"""Descendants of a process: the role, lifetime and CPU time of each."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_LOOK_SECONDS = 0.02
_TICKS = os.sysconf("SC_CLK_TCK")
# Checked in this order; the first word found in a command line decides.
_ROLES = (
    ("pip list", "language host asks pip"),
    ("pulumi-language-python-exec", "program"),
    ("pulumi-language-python", "language host"),
    ("pulumi.dynamic", "dynamic providers"),
    ("kubernetes_plugin", "Kubernetes plugin"),
    ("helm", "Helm"),
    ("pulumi", "engine"),
)


@dataclass
class Life:
    """One process as last seen: its CPU time and its lifetime in seconds."""

    command: str
    began: float
    seconds: float = 0.0
    processor: float = 0.0

    @property
    def role(self) -> str:
        """Its role in the run."""
        return next((role for word, role in _ROLES if word in self.command), "other")


class Watch:
    """Samples all descendants of this process until the block ends; `lives` has every process that was seen."""

    def __init__(self) -> None:
        self.lives: dict[int, Life] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._root = os.getpid()
        self._before = set(below(self._root))

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(_LOOK_SECONDS):
            for process in set(below(self._root)) - self._before:
                with suppress(OSError, ValueError, IndexError):
                    self._look(process)

    def _look(self, process: int) -> None:
        now = time.monotonic()
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        command = Path(f"/proc/{process}/cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
        if not command:
            return
        life = self.lives.setdefault(process, Life(command=command, began=now))
        life.command = command  # a shell's command line changes when it executes another program
        life.seconds = now - life.began
        life.processor = (int(fields[11]) + int(fields[12])) / _TICKS

    def by_role(self) -> dict[str, tuple[int, float, float]]:
        """(processes, lifetime, CPU time) of each role, in seconds."""
        found: dict[str, tuple[int, float, float]] = {}
        for life in self.lives.values():
            count, seconds, processor = found.get(life.role, (0, 0.0, 0.0))
            found[life.role] = count + 1, seconds + life.seconds, processor + life.processor
        return found


def below(process: int) -> Iterator[int]:
    """Every descendant of this process, from the kernel's lists."""
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, task.read_text().split()):
                yield child
                yield from below(child)

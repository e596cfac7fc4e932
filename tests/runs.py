"""`pulumi up` under way: what it says as it says it, and ways to end it that nobody wants."""

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from components import timings
from scripts.bench.times.processes import below
from scripts.lab.session import Session

_END_SECONDS = 15
_PROVIDER = "pulumi.dynamic"
_PLUGIN = "scripts.lab.kubernetes_plugin"


def _command(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def unlock(session: Session) -> None:
    """The remedy from the README after a `kill -9`: the engine's lock on its state outlives it."""
    session.pulumi("cancel", "--yes")


@dataclass
class _Trigger:
    pattern: re.Pattern[str]
    action: Callable[[], object]


class RunningUp:
    """One `pulumi up` in the background, from `go` on; actions run in the thread that reads its output, each once."""

    def __init__(self, session: Session, *options: str) -> None:
        self._triggers: list[_Trigger] = []
        self._watches: list[Callable[[], object]] = []
        self._lines: list[str] = []
        self._news = threading.Condition()
        self._session, self._options = session, options
        self._process: subprocess.Popen[str]
        self._began = time.monotonic()
        self._reader = threading.Thread(target=self._read, daemon=True)

    def when(self, pattern: str, action: Callable[[], object]) -> "RunningUp":
        """Do this the first time that a line fits; all of them are given before `go`."""
        self._triggers.append(_Trigger(re.compile(pattern), action))
        return self

    def watch(self, look: Callable[[], object]) -> "RunningUp":
        """Do this after every line."""
        self._watches.append(look)
        return self

    def go(self) -> "RunningUp":
        """Start it."""
        self._began = time.monotonic()
        self._process = subprocess.Popen(
            self._session.command("up", "--yes", "--skip-preview", "--non-interactive", *self._options),
            cwd=self._session.program,
            env=self._session.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader.start()
        return self

    @property
    def output(self) -> str:
        """Its output until now."""
        return "".join(self._lines)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._news:
                self._lines.append(line)
                self._news.notify_all()
            for trigger in [each for each in self._triggers if each.pattern.search(line)]:
                self._triggers.remove(trigger)
                trigger.action()
            for look in self._watches:
                look()
        timings.note("engine", "pulumi up", seconds=time.monotonic() - self._began)
        with self._news:
            self._news.notify_all()

    def wait_for(self, pattern: str, *, seconds: float = 90) -> None:
        """Return as soon as a line fits."""
        end, wanted = time.monotonic() + seconds, re.compile(pattern)
        with self._news:
            while not any(wanted.search(line) for line in self._lines):
                left = end - time.monotonic()
                assert left > 0, f"`{pattern}` was not said in {seconds} s:\n{self.output}"
                assert self._reader.is_alive(), f"it ended and never said `{pattern}`:\n{self.output}"
                self._news.wait(min(left, 1))

    def wait_for_any(self, patterns: Sequence[str], *, seconds: float = 120) -> str | None:
        """Return the first of the patterns that a line fits, as soon as one does; None if it ends before."""
        end, wanted = time.monotonic() + seconds, [re.compile(pattern) for pattern in patterns]
        with self._news:
            while True:
                for pattern in wanted:
                    if any(pattern.search(line) for line in self._lines):
                        return pattern.pattern
                assert time.monotonic() < end, f"none of {patterns} was said in {seconds} s:\n{self.output}"
                if not self._reader.is_alive():
                    return None
                self._news.wait(1)

    def end(self, *, seconds: float = 180) -> int:
        """Wait until it ends; returns its exit code. What it has not done by then is a failure."""
        try:
            code = self._process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.kill_engine()
            raise AssertionError(f"it did not end in {seconds} s:\n{self.output}") from None
        self._reader.join(timeout=5)
        return code

    def kill_engine(self) -> None:
        """`kill -9` of the engine; its Python providers must end by themselves, its plugin stays, all else is ended."""
        started = list(below(self._process.pid))
        self._process.kill()
        self._process.wait()
        end = time.monotonic() + _END_SECONDS
        while any(_PROVIDER in _command(each) for each in started):
            assert time.monotonic() < end, "the provider's process outlives its engine"
            time.sleep(0.1)
        for each in [each for each in started if _PLUGIN not in _command(each)]:
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        if threading.current_thread() is not self._reader:
            self._reader.join(timeout=5)

    def kill_provider(self) -> None:
        """`kill -9` of the process in which the dynamic providers run."""
        found = [each for each in below(self._process.pid) if _PROVIDER in _command(each)]
        for each in found:
            os.kill(each, signal.SIGKILL)

    def freeze(self, command: str) -> None:
        """Stop a program below the engine where it is, as nothing but a kill would; `kill_engine` ends it with all."""
        for each in below(self._process.pid):
            if command in _command(each):
                os.kill(each, signal.SIGSTOP)

    def interrupt(self) -> None:
        """Ctrl-C."""
        self._process.send_signal(signal.SIGINT)

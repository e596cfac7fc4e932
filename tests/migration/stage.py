"""A lab with traffic on it and a stack of the program, for tests that migrate it for real."""

import json
import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scripts.lab.lab import Lab
from scripts.lab.session import Session
from scripts.lab.workloads.apply import Workloads
from scripts.lab.workloads.explanations import Outage
from scripts.lab.workloads.recording import lab_records, read
from scripts.lab.workloads.report import Report


def _descendants(process: int) -> list[int]:
    """Every process below this one, by the kernel's own lists."""
    found: list[int] = []
    for each in Path(f"/proc/{process}/task").glob("*/children"):
        for child in map(int, each.read_text().split()):
            found += [child, *_descendants(child)]
    return found


def _command(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


@dataclass
class Stage:
    """One lab, one stack, one set of workloads."""

    lab: Lab
    session: Session
    began: datetime
    outages: list[Outage] = field(default_factory=list)

    @classmethod
    def fresh(cls, *, nodes: int = 3) -> "Stage":
        """From nothing; the lab of the test before is thrown away."""
        lab = Lab()
        lab.clean()
        lab.up(nodes=nodes)
        Workloads(lab.kubeconfig, kubectl=lab.kubectl_binary).up()
        session = Session.start(kubeconfig=lab.kubeconfig, stack="test")
        return cls(lab=lab, session=session, began=datetime.now(UTC))

    @property
    def nodes(self) -> list[str]:
        return [node.name for node in self.lab.layout().nodes]

    def up(self, **settings: str) -> None:
        """Set config paths (`__` for dots) and go; fails with what the engine said."""
        self.session.set(**settings)
        self.session.up()

    def set_waves(self, *waves: list[str]) -> None:
        self.session.pulumi("config", "rm", "waves", check=False)
        for number, wave in enumerate(waves):
            for place, node in enumerate(wave):
                self.session.set_path(f"waves[{number}][{place}]", node)

    def report(self, since: datetime | None = None) -> Report:
        """What the traffic saw since then, or since the stage was set."""
        time.sleep(3)
        return Report(read(*lab_records()), start=since or self.began, outages=self.outages)

    def wait_for_loss(self, since: datetime, *, limit_seconds: float = 90) -> None:
        """Return once the traffic has lost something that nobody planned."""
        end = time.monotonic() + limit_seconds
        while not self.report(since).totals().lost:
            assert time.monotonic() < end, "nothing was lost, though it must be"

    def outputs(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.session.pulumi("stack", "output", "--json").output)
        return found

    def objects(self, *words: str) -> Any:
        return json.loads(self.lab.kubectl(*words, "-o", "json").stdout)

    def kill_up_when(self, text: str) -> None:
        """Start `pulumi up` and kill -9 the engine and its providers the moment that its output has `text`."""
        process, _ = self._up_until(text)
        below = _descendants(process.pid)
        process.kill()
        process.wait()
        # What works on the cluster must end by itself: a run that follows would meet it there.
        end = time.monotonic() + 10
        while any("pulumi.dynamic" in _command(each) for each in below):
            assert time.monotonic() < end, "the provider's process outlives its engine"
            time.sleep(0.2)
        for each in below:
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)

    def interrupt_up_when(self, text: str) -> tuple[str, float]:
        """Start `pulumi up` and press Ctrl-C when its output has `text`; returns all output and the seconds it took."""
        process, output = self._up_until(text)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.stdout is not None
        output += process.stdout.read()
        process.wait()
        return output, time.monotonic() - began

    def _up_until(self, text: str, *, limit_seconds: float = 120) -> tuple[subprocess.Popen[str], str]:
        process = subprocess.Popen(
            self.session.command("up", "--yes", "--skip-preview", "--non-interactive"),
            cwd=self.session.program,
            env=self.session.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert process.stdout is not None
        lines = []
        end = time.monotonic() + limit_seconds
        for line in process.stdout:
            lines.append(line)
            if text in line or time.monotonic() > end:
                break
        output = "".join(lines)
        assert text in output, output
        return process, output

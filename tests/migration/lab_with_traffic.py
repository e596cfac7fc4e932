"""A lab with traffic on it and a stack of the program, for tests that migrate it for real."""

import json
import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Unpack

from scripts.lab.cluster.layout import Unusual
from scripts.lab.lab import Lab
from scripts.lab.session import Session
from scripts.lab.workloads.apply import Workloads
from scripts.lab.workloads.explanations import Outage
from scripts.lab.workloads.recording import lab_records, read
from scripts.lab.workloads.report import Report
from tests.runs import RunningUp


@dataclass
class Stage:
    """One lab, one stack, one set of workloads."""

    lab: Lab
    session: Session
    began: datetime
    outages: list[Outage] = field(default_factory=list)

    @classmethod
    def fresh(cls, *, nodes: int = 3, source: str = "flannel", **unusual: Unpack[Unusual]) -> "Stage":
        """From nothing; the lab of the test before is thrown away."""
        lab = Lab()
        lab.clean()
        lab.up(nodes=nodes, source=source, **unusual)
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
        self.session.pulumi("config", "set", "waves", "[]")
        for number, wave in enumerate(waves):
            for place, node in enumerate(wave):
                self.session.set_path(f"waves[{number}][{place}]", node)

    def report(self, since: datetime | None = None) -> Report:
        """The traffic's record since then, or since the stage was set up."""
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
        """Start `pulumi up` and kill -9 the engine the moment that its output has `text`."""
        run = RunningUp(self.session).go()
        run.wait_for(re.escape(text), seconds=120)
        run.kill_engine()

    def interrupt_up_when(self, text: str) -> str:
        """Start `pulumi up` and press Ctrl-C when its output has `text`; returns all output."""
        run = RunningUp(self.session).go()
        run.wait_for(re.escape(text), seconds=120)
        run.interrupt()
        run.end()
        return run.output

"""The demo: a real cluster migrates from its CNI to Cilium with `pulumi up`, under traffic that measures every loss."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel
from rich.table import Table

from components.probe.budget import WORDS
from components.probe.measured import Measurement
from scripts.lab import assertions
from scripts.lab.cluster.sources import source as source_named
from scripts.lab.console import LabError, Step, console
from scripts.lab.lab import Lab
from scripts.lab.paths import lab_folder
from scripts.lab.reports import KEPT, as_latest, new_folder
from scripts.lab.session import Session, build_everything
from scripts.lab.toolchain.pulumi import stack_history
from scripts.lab.whole_migration import WholeMigration
from scripts.lab.workloads.apply import Workloads, show
from scripts.lab.workloads.recording import lab_records, read
from scripts.lab.workloads.report import Report, Totals
from scripts.report.collect import collect
from scripts.report.page import to_html, to_json

_BASELINE_SECONDS = 5
_AFTER_SECONDS = 5
# Flows that send at least every 100 ms; the pause between two requests of the others is no gap.
DENSE = ("service-http", "echo-service", "echo-pod")
SHORT_REQUESTS = ("service-http", "pod-http", "dns")


class DemoResult(BaseModel):
    """The result of the demo; also written to `.lab/demo.json`."""

    nodes: int
    migrated: int
    seconds: float
    requests: int
    failed: int
    longest_gap_ms: float
    source: str
    strategy: str
    lost_unexplained: int
    broken_connections: int
    broken_unexplained: int
    updates: int
    node_seconds: dict[str, float]
    explained: list[str]


@dataclass(frozen=True)
class LabWitness:
    """Judges nodes by the state of their machines."""

    lab: Lab

    def on_source(self, node: str) -> Sequence[str]:
        """Addresses, CNI conf and routes of the old CNI."""
        assertions.node_is_on_source(self.lab, node)
        return []

    def on_cilium(self, node: str) -> Sequence[str]:
        """Addresses, CNI conf, routes and scheduling of a migrated node."""
        return assertions.node_is_on_cilium(self.lab, node)

    def source_gone(self, nodes: Sequence[str]) -> Sequence[str]:
        """Check that no machine has a trace of the old CNI."""
        return assertions.no_source_left(self.lab, list(nodes))


def _report(began: datetime) -> tuple[Totals, list[str]]:
    report = Report(read(*lab_records()), start=began)
    return report.totals(), report.explain()


def _write_report(session: Session, folder: Path) -> Measurement | None:
    """Write the report for the change ticket as HTML and JSON, from the stack, the cluster and the probes."""
    with Step("the report"):
        found = collect(session.stack, folder=session.program, kubeconfig=session.environment["KUBECONFIG"],
                        environment=session.environment)  # fmt: skip
        (folder / "report.html").write_text(to_html(found))
        (folder / "report.json").write_text(to_json(found))
    for line in found.left_out:
        console.print(f"  [yellow]left out: {line}[/yellow]", soft_wrap=True)
    return found.measurement


def _probes_table(measurement: Measurement) -> Table:
    """A table of the probes' measurements by kind of flow."""
    table = Table("flows of the probe", "sent", "failed", "planned", "longest gap", title="measured by the probe")
    kinds = sorted({flow.kind for flow in measurement.flows})
    for kind in kinds:
        flows = [flow for flow in measurement.flows if flow.kind == kind]
        table.add_row(
            WORDS[kind],
            f"{sum(flow.sent for flow in flows):,}",
            f"{sum(flow.failed for flow in flows):,}",
            f"{sum(flow.planned for flow in flows):,}",
            f"{max(flow.longest_gap_ms for flow in flows):,.0f} ms",
        )
    gaps = {
        node: max(flow.longest_gap_ms for flow in measurement.flows if node in (flow.source_node, flow.target_node))
        for node in sorted({flow.source_node for flow in measurement.flows})
    }
    table.caption = "longest gap by node: " + ", ".join(f"{node} {gap:,.0f} ms" for node, gap in gaps.items())
    return table


def _summary(result: DemoResult, folder: Path) -> None:
    table = Table(title=f"{source_named(result.source).title} → Cilium, live", show_header=False, title_style="bold")
    table.add_row("nodes migrated", f"{result.migrated} of {result.nodes}")
    table.add_row("wall time", f"{result.seconds:.0f} s")
    table.add_row("each node's turn", ", ".join(f"{name} {took:.0f} s" for name, took in result.node_seconds.items()))
    table.add_row("short requests sent", f"{result.requests:,}")
    table.add_row("short requests failed", f"{result.failed} ({result.lost_unexplained} without a planned cause)")
    broken = f"{result.broken_connections} ({result.broken_unexplained} without a planned cause)"
    table.add_row("long connections broken", broken)
    table.add_row("longest gap between answers", f"{result.longest_gap_ms:.0f} ms")
    table.add_row("updates in the stack's history", str(result.updates))
    console.print(table)
    console.print(f"the same in {folder / 'demo.json'}; what the engine said is in {lab_folder() / 'logs'}")


def run_demo(
    *, nodes: int, source: str, restart: str, keep: bool, start: Callable[..., Session] = Session.start
) -> DemoResult:
    """Run the whole demo from an empty machine; raises LabError on any unplanned loss.

    `start` creates the stack's session; callers can pass one that measures its commands.
    """
    old = source_named(source)
    build_everything([old])
    lab = Lab()
    lab.down()
    with Step(f"a cluster of {nodes} nodes with {old.title}"):
        lab.up(nodes=nodes, source=source)
    Workloads(lab.kubeconfig, kubectl=lab.kubectl_binary).up()
    session = start(kubeconfig=lab.kubeconfig, stack="demo")
    time.sleep(_BASELINE_SECONDS)
    started = time.monotonic()
    began = datetime.now(UTC)
    names = [node.name for node in lab.layout().nodes]
    migration = WholeMigration(session=session, witness=LabWitness(lab), nodes=names, consent=old.name, restart=restart)
    seconds = migration.run()
    wall = time.monotonic() - started
    time.sleep(_AFTER_SECONDS)
    totals, explained = _report(began)
    result = _result(session, totals, explained, nodes=nodes, seconds=seconds, wall=wall, source=source)
    folder = new_folder(lab_folder())
    (folder / "demo.json").write_text(result.model_dump_json(indent=2) + "\n")
    for line in explained:
        console.print(f"  [dim]{line}[/dim]", soft_wrap=True)
    show(totals)
    measured = _write_report(session, folder)
    if measured:
        console.print(_probes_table(measured))
        if measured.cost:
            console.print(
                f"the probe's own cost: {measured.cost.millicores:.0f} millicores and "
                f"{measured.cost.memory_bytes / 2**20:.0f} MiB on {measured.cost.node}, where it is highest"
            )
    _summary(result, folder)
    as_latest(folder, base=lab_folder())
    console.print(f"the report: {folder / 'report.html'}, {folder / 'report.json'}; the newest {KEPT} are kept")
    if not keep:
        lab.down()
    if result.lost_unexplained or result.broken_unexplained:
        raise LabError(
            f"{result.lost_unexplained + result.broken_unexplained} losses without a planned cause, see above"
        )
    return result


def _result(
    session: Session, totals: Totals, explained: list[str], *, nodes: int, seconds: dict[str, float], wall: float,
    source: str,
) -> DemoResult:  # fmt: skip
    outputs = json.loads(session.pulumi("stack", "output", "--json", quiet=True).output)
    dense = [kind for name, kind in totals.kinds.items() if name in DENSE]
    short = [kind for name, kind in totals.kinds.items() if name in SHORT_REQUESTS]
    return DemoResult(
        nodes=nodes,
        migrated=len(outputs["nodesDone"]),
        seconds=round(wall, 1),
        requests=sum(kind.sent for kind in short),
        failed=sum(kind.failed for kind in short),
        longest_gap_ms=round(max((kind.longest_gap_ms for kind in dense), default=0.0), 1),
        source=source,
        strategy=outputs["strategy"],
        lost_unexplained=sum(kind.failed - kind.failed_explained for kind in short),
        broken_connections=sum(kind.broken for kind in totals.kinds.values()),
        broken_unexplained=sum(kind.broken - kind.broken_explained for kind in totals.kinds.values()),
        updates=len(stack_history(session.environment, stack=session.stack, folder=session.program)),
        node_seconds={name: round(took, 1) for name, took in seconds.items()},
        explained=explained,
    )

"""Applies the sample workloads to a cluster, deletes them, and shows the traffic's losses."""

import json
import os
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from scripts.lab.console import LabError, Step, console
from scripts.lab.paths import lab_folder
from scripts.lab.toolchain.build import build_part
from scripts.lab.toolchain.parts import KUBERNETES
from scripts.lab.workloads.manifests import NAMESPACE, Manifest, clients, servers
from scripts.lab.workloads.recording import lab_records, read
from scripts.lab.workloads.report import Report, Totals

_ROLLED_OUT = ("Deployment", "StatefulSet", "DaemonSet")
_SLOWEST_CALL_SECONDS = 60.0


class Workloads:
    """The workloads of one cluster."""

    def __init__(self, kubeconfig: Path, *, kubectl: Path) -> None:
        self._command = [str(kubectl), "--kubeconfig", str(kubeconfig)]

    def up(self, *, deadline_seconds: float = 180.0, client_replicas: int = 2) -> None:
        """Apply the servers, then the clients once the servers are ready; the deadline is for both."""
        deadline = time.monotonic() + deadline_seconds
        for what, manifests in (("servers", servers()), ("clients", clients(client_replicas))):
            with Step(f"sample workloads: {what}"):
                self._apply(manifests)
                self._wait(manifests, deadline=deadline)

    def down(self, *, deadline_seconds: float = 120.0) -> None:
        """Delete everything and wait until it is gone."""
        with Step("sample workloads: delete"):
            self._kubectl(
                "delete",
                "namespace",
                NAMESPACE,
                "--ignore-not-found",
                f"--timeout={deadline_seconds:.0f}s",
                limit_seconds=deadline_seconds + 10,
            )

    def _apply(self, manifests: list[Manifest]) -> None:
        together = {"apiVersion": "v1", "kind": "List", "items": manifests}
        self._kubectl(
            "apply",
            "--server-side",
            "--force-conflicts",
            "--field-manager=lab-workloads",
            "-f",
            "-",
            given=json.dumps(together),
            limit_seconds=_SLOWEST_CALL_SECONDS,
        )

    def _wait(self, manifests: list[Manifest], *, deadline: float) -> None:
        for manifest in manifests:
            if manifest["kind"] in _ROLLED_OUT:
                left = max(1.0, deadline - time.monotonic())
                self._kubectl(
                    "rollout",
                    "status",
                    "--namespace",
                    NAMESPACE,
                    f"--timeout={left:.0f}s",
                    f"{manifest['kind'].lower()}/{manifest['metadata']['name']}",
                    limit_seconds=left + 10,
                )

    def _kubectl(self, *arguments: str, limit_seconds: float, given: str = "") -> None:
        try:
            done = subprocess.run(
                [*self._command, *arguments],
                input=given,
                capture_output=True,
                text=True,
                timeout=limit_seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise LabError(f"kubectl {' '.join(arguments)}: no end after {limit_seconds:.0f} s") from error
        if done.returncode:
            raise LabError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")


def show(totals: Totals) -> None:
    """Print the totals as a table."""
    table = Table("flow", "sent", "succeeded", "lost", "explained", "closed", "slow", "longest gap")
    for kind, one in sorted(totals.kinds.items()):
        explained = one.failed_explained + one.broken_explained
        table.add_row(
            kind,
            str(one.sent),
            str(one.succeeded),
            str(one.lost),
            str(explained),
            str(one.closed_as_planned),
            str(one.slow),
            f"{one.longest_gap_ms:.0f} ms",
        )
    console.print(table)
    for cause, times in totals.causes.items():
        console.print(f"lost: {cause} ({times})")
    if totals.pauses:
        console.print(f"clients did not run {totals.pauses} times, at most for {totals.longest_pause_ms:.0f} ms")


app = typer.Typer(help="Sample workloads that are sensitive to drains, and traffic that records every loss.")
Kubeconfig = Annotated[Path | None, typer.Option(help="Default: KUBECONFIG, else the lab's own.")]
Moment = Annotated[datetime | None, typer.Option(help="In UTC.")]


def _workloads(kubeconfig: Path | None) -> Workloads:
    path = kubeconfig or Path(os.environ.get("KUBECONFIG") or lab_folder() / "kubeconfig")
    return Workloads(path, kubectl=build_part(KUBERNETES) / "kubectl")


@app.command()
def up(kubeconfig: Kubeconfig = None, clients_of_each_kind: int = 2) -> None:
    """Apply the sample workloads and wait until they are ready."""
    _workloads(kubeconfig).up(client_replicas=clients_of_each_kind)


@app.command()
def down(kubeconfig: Kubeconfig = None) -> None:
    """Delete the sample workloads."""
    _workloads(kubeconfig).down()


@app.command()
def totals(
    folders: Annotated[list[Path] | None, typer.Argument(help="Default: the lab's nodes.")] = None,
    start: Moment = None,
    end: Moment = None,
) -> None:
    """Show the traffic's losses with their causes; fails if any of them was not planned."""
    report = Report(
        read(*(folders or lab_records())),
        start=start and start.replace(tzinfo=UTC),
        end=end and end.replace(tzinfo=UTC),
    )
    for line in report.explain():
        console.print(line, markup=False, soft_wrap=True)
    measured = report.totals()
    show(measured)
    if measured.lost or not measured.kinds:
        raise typer.Exit(1)

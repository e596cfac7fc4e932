"""Assembles a report from the sources that can be read; it names those that cannot."""

import getpass
import socket
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from components.operations.cluster_api.api import Cluster, connect
from components.operations.cluster_api.errors import ClusterError
from components.operations.deadline import OperationError
from components.probe.explanations import Restart
from components.probe.measured import Measurement
from scripts.report.changes import make_changes
from scripts.report.cluster_record import ClusterRecord, read_cluster
from scripts.report.helm_values import value_changes
from scripts.report.model import Allowed, Report, Versions
from scripts.report.probes import measure_now
from scripts.report.restarts import restarts_recorded, restarts_told
from scripts.report.stack_record import ReportError, StackRecord, read_stack
from scripts.report.turns import make_turns, troubles, unread
from stacks.config import ConfigError, StackConfig, parse_config
from stacks.flows import FlowKind

_CHECKOUT = Path(__file__).resolve().parents[2]


def read_measurement(path: Path) -> Measurement:
    """Parse a measurement that the probe's reader wrote; raises ReportError with one line if it is not valid."""
    try:
        measured = Measurement.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ReportError(f"measurement {path}: cannot be read ({error.strerror})") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ReportError(f"measurement {path}: {place}: {first['msg']}; make it anew with this version") from error
    begins = [
        *(outage.start for outage in measured.outages),
        *(pause.start for pause in measured.pauses),
        *(moment.start for moment in measured.timeline),
    ]
    if any(time.tzinfo is None for time in (measured.start, measured.end, *begins)):
        raise ReportError(f"measurement {path}: a time in it has no zone; make it anew with this version")
    return measured


def collect(
    stack: str, *, folder: Path, measured: Measurement | None = None, kubeconfig: str = "", context: str = "",
    environment: Mapping[str, str] | None = None,
) -> Report:  # fmt: skip
    """Read stack, cluster and, unless `measured` is given, the probes.

    `kubeconfig`, `context` and `environment` override the stack's own and the process's. Without an answer from the
    cluster the report lacks the parts that come from it; without the stack it raises ReportError.
    """
    record = read_stack(stack, folder=folder, environment=environment)
    left_out: list[str] = []
    config = _config(record, left_out)
    cluster: ClusterRecord | None = None
    own_kubeconfig, own_context = record.kubeconfig
    try:
        chosen = connect(kubeconfig=kubeconfig or own_kubeconfig, context=context or own_context)
        cluster = read_cluster(chosen, config or StackConfig())
        restarts = [*restarts_recorded(record.outputs, cluster.marks), *restarts_told(cluster.told)]
        measured = measured or _measured(chosen, config or StackConfig(), restarts, left_out)
    except ClusterError as error:
        left_out.append(f"versions, Helm values, checks and the nodes' Events, as the cluster was not read: {error}")
    return assemble(stack, record=record, config=config, cluster=cluster, measured=measured, left_out=left_out)


def _measured(
    cluster: Cluster, config: StackConfig, restarts: list[Restart], left_out: list[str]
) -> Measurement | None:
    try:
        return measure_now(cluster, cilium_namespace=config.cilium.namespace, restarts=restarts)
    except (ClusterError, OperationError) as error:
        left_out.append(f"what the probes measured: {error}")
        return None


def _config(record: StackRecord, left_out: list[str]) -> StackConfig | None:
    try:
        return parse_config(record.config)
    except ConfigError as error:
        left_out.append(f"waves, as this version does not read the stack's config: {error}")
        return None


def assemble(
    stack: str, *, record: StackRecord, config: StackConfig | None, cluster: ClusterRecord | None,
    measured: Measurement | None, left_out: list[str] | None = None,
) -> Report:  # fmt: skip
    """The report from data that was read; reads nothing itself."""
    outputs, told = record.outputs, cluster.told if cluster else ()
    marks = cluster.marks if cluster else {}
    return Report(
        stack=stack,
        made=datetime.now(UTC),
        made_by=_who(),
        cluster=cluster.server if cluster else "",
        source=(cluster.source if cluster else "") or str(outputs.get("source") or "").title(),
        strategy=str(outputs.get("strategy") or ""),
        phase=str(outputs.get("phase") or (config.phase if config else "")),
        turns=make_turns(
            outputs,
            waves=config.waves if config else [[node] for node in outputs.get("nodesDone") or []],
            nodes=[*(outputs.get("nodesToDo") or []), *marks],
            marks=marks,
            told=told,
        ),
        changes=make_changes(outputs),
        runs=record.runs(),
        troubles=troubles(told),
        measurement=measured,
        findings=cluster.findings if cluster else (),
        checks_without_finding=cluster.checks_without_finding if cluster else (),
        budget=_budget(config) if config else {},
        values=value_changes(cluster.settled) if cluster and cluster.settled else (),
        versions=_versions(record, config, cluster),
        operators=cluster.operators if cluster else (),
        left_out=(*(left_out or ()), *unread(outputs, told, marks)),
    )


def _budget(config: StackConfig) -> dict[FlowKind, Allowed]:
    """The loss budget of the waves; empty if traffic is not judged."""
    kinds = config.traffic.budget if config.traffic.enabled else {}
    return {kind: Allowed(failed=each.failed, gap_ms=each.gap_ms) for kind, each in kinds.items()}


def _versions(record: StackRecord, config: StackConfig | None, cluster: ClusterRecord | None) -> Versions:
    head = record.environment.get("git.head", "")
    project = tomllib.loads((_CHECKOUT / "pyproject.toml").read_text())["project"]
    return Versions(
        kubernetes=cluster.kubernetes if cluster else "",
        kubelets=cluster.kubelets if cluster else (),
        source=cluster.source_version if cluster else "",
        cilium_wanted=config.cilium.version if config else "",
        cilium_running=cluster.cilium if cluster else (),
        program=f"{project['version']}" + (f", commit {head[:10]}" if head else ""),
        pulumi=record.environment.get("pulumi.version", "").removeprefix("v"),
    )


def _who() -> str:
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (KeyError, OSError):
        return ""

"""The cluster's record of its migration: the nodes' annotations and Events, versions, and findings of the checks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from components.checks import CATALOGUE, Context, run_checks
from components.names import PREFIX
from components.operations.cluster_api.api import Cluster
from components.operations.objects.model import Node
from components.operations.snapshot import Snapshot
from components.operations.turn.turn_record import record_of_turn
from components.operations.turn_annotations import BY, SINCE, step_of
from components.sources import SourceError, describe
from components.sources.observing import observe
from scripts.report.model import CheckFinding
from scripts.report.turns import Marked, Told, in_order, moment
from stacks.config import StackConfig
from stacks.settle import Cilium, SettleError

_EVENTS = "/api/v1/namespaces/default/events"
_AGENT = "cilium-agent"


@dataclass(frozen=True, kw_only=True)
class ClusterRecord:
    """One reading of the cluster."""

    server: str
    kubernetes: str
    kubelets: tuple[str, ...]
    cilium: tuple[str, ...]
    source: str
    source_version: str
    marks: Mapping[str, Marked]
    told: tuple[Told, ...]
    findings: tuple[CheckFinding, ...]
    checks_without_finding: tuple[str, ...]
    settled: Cilium | None

    @property
    def operators(self) -> tuple[str, ...]:
        """The users that ran the turns, from the nodes' annotations."""
        return tuple(sorted({mark.by for mark in self.marks.values() if mark.by}))


def read_told(cluster: Cluster) -> tuple[Told, ...]:
    """The program's Events on Nodes that the API still keeps, in order of time."""
    items = cluster.list(_EVENTS, fieldSelector=f"involvedObject.kind=Node,reportingComponent={PREFIX}")
    return tuple(sorted(filter(None, map(Told.read, items)), key=in_order))


def marked(node: Node) -> Marked:
    """The record of a node's turn in its annotations."""
    annotations = node.annotations
    return Marked(
        step=step_of(node),
        since=moment(annotations.get(SINCE)),
        by=annotations.get(BY, ""),
        record=record_of_turn(node),
    )


def read_cluster(cluster: Cluster, config: StackConfig) -> ClusterRecord:
    """Read everything once, without changes. Raises ClusterError."""
    snapshot = observe(cluster, cilium_namespace=config.cilium.namespace)
    findings, clean, source, source_version, settled = _checked(snapshot, config)
    nodes = cluster.list("/api/v1/nodes")
    kubelets = {(item.get("status") or {}).get("nodeInfo", {}).get("kubeletVersion", "") for item in nodes}
    return ClusterRecord(
        server=cluster.server,
        kubernetes=cluster.get("/version").get("gitVersion", ""),
        kubelets=tuple(sorted(kubelets - {""})),
        cilium=tuple(sorted(set(_images(snapshot.daemon_sets, container=_AGENT)))),
        source=source,
        source_version=source_version,
        marks={node.name: marked(node) for node in snapshot.nodes},
        told=read_told(cluster),
        findings=findings,
        checks_without_finding=clean,
        settled=settled,
    )


def _checked(
    snapshot: Snapshot, config: StackConfig
) -> tuple[tuple[CheckFinding, ...], tuple[str, ...], str, str, Cilium | None]:
    """Findings and checks without any; the old CNI's name and, while it runs, its image; Cilium's network."""
    try:
        source = describe(snapshot, config.source)
        context = Context(config=config, snapshot=snapshot, source=source)
        settled = context.cilium
    except (SourceError, SettleError):
        return (), (), "", "", None
    found = run_checks(CATALOGUE, context)
    titles = {check.id: check.title for check in CATALOGUE}
    findings = tuple(
        CheckFinding(
            severity=each.severity, check=each.check, title=titles[each.check], evidence=each.evidence,
            remedy=each.remedy,
        )
        for each in found
    )  # fmt: skip
    clean = tuple(title for check, title in titles.items() if all(check != each.check for each in found))
    own = [
        each
        for each in snapshot.daemon_sets
        if (each["metadata"]["namespace"], each["metadata"]["name"]) == (source.namespace, source.daemon_set)
    ]
    return findings, clean, source.title, ", ".join(sorted(set(_images(own)))), settled


def _images(daemon_sets: Iterable[Mapping[str, Any]], *, container: str = "") -> Iterable[str]:
    for item in daemon_sets:
        for each in item["spec"]["template"]["spec"].get("containers") or []:
            if not container or each.get("name") == container:
                yield each.get("image", "")

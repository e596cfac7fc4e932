"""Reads the state of the migration from the cluster with a few small requests, so that it can run every second."""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from components.names import NAMESPACE
from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError
from components.operations.draining.drain import existing_daemon_sets, pods_on
from components.operations.draining.drain_plan import plan_drain
from components.operations.lease import Observer
from components.operations.lease import read as read_lease
from components.operations.objects.live_config import read_live_config
from components.operations.objects.model import Node
from components.operations.snapshot import RECORD, Snapshot
from components.operations.turn_annotations import TurnStep
from components.sources import SourceDescription
from components.strategies.rooms import reached_by
from scripts.report.cluster_record import marked, read_told
from scripts.report.turns import Marked, Told, by_node
from stacks.sections.node import DrainSettings
from stacks.strategies import DEFAULT, Milestone, Phase, Strategy, strategy_named

_EMPTYING = (TurnStep.DRAINING, TurnStep.SWITCHING, TurnStep.RETURNING)
_AT_ONCE = 8
# Every pod that some drain option would evict counts as left, whether or not the options of this run do.
_ANYTHING = DrainSettings(force=True, delete_empty_dir_data=True)


class WatchedCluster(Cluster):
    """The cluster's API with short time-outs, for a live view."""

    REQUEST_TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The state of the migration at one moment, from the cluster only."""

    at: datetime
    strategy: Strategy = DEFAULT
    milestone: Milestone | None
    source: str
    runs: str
    marks: Mapping[str, Marked]
    told: tuple[Told, ...]
    pods_left: Mapping[str, int]

    @cached_property
    def told_by_node(self) -> dict[str, list[Told]]:
        """The Events of each node, in their order."""
        return by_node(self.told)

    @property
    def migrated(self) -> list[str]:
        """The nodes whose turn is complete."""
        return sorted(node for node, mark in self.marks.items() if mark.step is TurnStep.MIGRATED)

    @property
    def under_way(self) -> list[str]:
        """The nodes in a turn, or on the way back."""
        return sorted(node for node, mark in self.marks.items() if mark.step not in (None, TurnStep.MIGRATED))

    @property
    def phase(self) -> str:
        """The name of the phase that the cluster is in, by what it shows; empty before any."""
        phase = self.strategy.last_at(self.milestone) if self.milestone else None
        return phase.name if phase else ""

    def has_reached(self, until: Phase) -> bool:
        """True if every node is on Cilium, the phase is reached, and no run is at work any more."""
        there = self.milestone is not None and self.milestone.includes(until.milestone)
        return there and bool(self.marks) and len(self.migrated) == len(self.marks) and not self.runs


def look(cluster: Cluster, *, cilium_namespace: str, runs: Observer | None = None) -> Reading:
    """Read the cluster once; `runs` is the observer of the Lease from earlier readings. Raises ClusterError."""
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        items = pool.submit(cluster.list, "/api/v1/nodes")
        told = pool.submit(read_told, cluster)
        live = pool.submit(read_live_config, cluster, namespace=cilium_namespace)
        kept = pool.submit(cluster.find, f"/api/v1/namespaces/{NAMESPACE}/configmaps/{RECORD}")
        lease = pool.submit(read_lease, cluster)
        nodes = tuple(map(Node.read, items.result()))
        marks = {node.name: marked(node) for node in nodes}
        emptying = [name for name, mark in marks.items() if mark.step in _EMPTYING]
        left = dict(zip(emptying, pool.map(lambda name: _pods_left(cluster, name), emptying), strict=True))
        record = (kept.result() or {}).get("data", {})
        strategy = _strategy(str(record.get("strategy") or DEFAULT.name))
        source = SourceDescription.model_validate_json(record["source"]) if record.get("source") else None
        milestone = _milestone(cluster, strategy, nodes=nodes, live=live.result(), source=source)
    return Reading(
        at=datetime.now(UTC),
        strategy=strategy,
        milestone=milestone,
        source=source.title if source else "",
        runs=(runs or Observer()).holder(lease.result()),
        marks=marks,
        told=told.result(),
        pods_left=left,
    )


def _pods_left(cluster: Cluster, node: str) -> int:
    pods = pods_on(cluster, node)
    return len(plan_drain(pods, daemon_sets=existing_daemon_sets(cluster, pods), options=_ANYTHING).evict)


def _strategy(name: str) -> Strategy:
    try:
        return strategy_named(name)
    except KeyError:
        raise ClusterError(f"the migration's strategy '{name}' is not installed here: install its package") from None
    except ValueError as error:
        raise ClusterError(f"the migration's strategy '{name}' is unusable: {error}; mend its package") from None


def _milestone(
    cluster: Cluster,
    strategy: Strategy,
    *,
    nodes: tuple[Node, ...],
    live: Mapping[str, str] | None,
    source: SourceDescription | None,
) -> Milestone | None:
    """The milestone of the cluster, by the same rule as the gates; None before anything is recorded."""
    if source is None:
        return None
    path = f"/apis/apps/v1/namespaces/{source.namespace}/daemonsets/{source.daemon_set}"
    old = cluster.find(path)
    snapshot = Snapshot(
        nodes=nodes, daemon_sets=(old,) if old else (), cilium_config=live, record=json.loads(source.model_dump_json())
    )
    return reached_by(strategy, snapshot=snapshot, source=source)

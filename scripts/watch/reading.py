"""One look at the cluster: a handful of small requests, so that it can be taken every second."""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from components.checks import Context
from components.names import NAMESPACE
from components.operations.api import Cluster
from components.operations.drain import existing_daemon_sets, pods_on
from components.operations.drain_plan import DrainOptions, plan_drain
from components.operations.lease import Observer
from components.operations.lease import read as read_lease
from components.operations.live_config import read_live_config
from components.operations.marks import TurnStep
from components.operations.model import Node
from components.operations.snapshot import RECORD, Snapshot
from components.sources import SourceDescription
from scripts.report.cluster_record import marked, read_told
from scripts.report.turns import Marked, Told, by_node
from stacks.config import StackConfig
from stacks.phases import Phase

_EMPTYING = (TurnStep.DRAINING, TurnStep.SWITCHING, TurnStep.RETURNING)
_AT_ONCE = 8
# Whatever a drain may ever evict counts as left, whether or not today's options allow it.
_ANYTHING = DrainOptions(force=True, delete_empty_dir_data=True)


class WatchedCluster(Cluster):
    """The cluster's API for a view that must not stand still for long."""

    REQUEST_TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The migration at one moment, as the cluster alone tells it."""

    at: datetime
    phase: Phase | None
    source: str
    runs: str
    marks: Mapping[str, Marked]
    told: tuple[Told, ...]
    pods_left: Mapping[str, int]

    @cached_property
    def told_by_node(self) -> dict[str, list[Told]]:
        """Each node's own Events, in their order."""
        return by_node(self.told)

    @property
    def migrated(self) -> list[str]:
        """The nodes whose turn is complete."""
        return sorted(node for node, mark in self.marks.items() if mark.step is TurnStep.MIGRATED)

    @property
    def under_way(self) -> list[str]:
        """The nodes in the midst of a turn or of the way back."""
        return sorted(node for node, mark in self.marks.items() if mark.step not in (None, TurnStep.MIGRATED))

    def reached(self, until: Phase) -> bool:
        """Whether every node is on Cilium, the phase is reached, and no run is at work any more."""
        phase = self.phase is not None and self.phase.includes(until)
        return phase and bool(self.marks) and len(self.migrated) == len(self.marks) and not self.runs


def look(cluster: Cluster, *, cilium_namespace: str, runs: Observer | None = None) -> Reading:
    """Read the cluster once; `runs` is whoever looked on at the Lease before. Raises ClusterError."""
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
        record = (kept.result() or {}).get("data", {}).get("source", "")
        source = SourceDescription.model_validate_json(record) if record else None
        phase = _phase(cluster, nodes=nodes, live=live.result(), source=source)
    return Reading(
        at=datetime.now(UTC),
        phase=phase,
        source=source.title if source else "",
        runs=(runs or Observer()).holder(lease.result()),
        marks=marks,
        told=told.result(),
        pods_left=left,
    )


def _pods_left(cluster: Cluster, node: str) -> int:
    pods = pods_on(cluster, node)
    return len(plan_drain(pods, daemon_sets=existing_daemon_sets(cluster, pods), options=_ANYTHING).evict)


def _phase(
    cluster: Cluster, *, nodes: tuple[Node, ...], live: Mapping[str, str] | None, source: SourceDescription | None
) -> Phase | None:
    """How far the cluster is, by the rule of the gates between the phases; None before anything is written down."""
    if source is None:
        return None
    path = f"/apis/apps/v1/namespaces/{source.namespace}/daemonsets/{source.daemon_set}"
    old = cluster.find(path)
    snapshot = Snapshot(
        nodes=nodes, daemon_sets=(old,) if old else (), cilium_config=live, record=json.loads(source.model_dump_json())
    )
    return Context(config=StackConfig(), snapshot=snapshot, source=source).reached

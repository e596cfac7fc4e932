"""Reads the probes' measurements of the whole migration from the cluster, with a timeline."""

import json
from collections.abc import Iterable

from components.names import NAMESPACE
from components.operations.cluster_api.api import Cluster
from components.operations.objects.live_config import read_live_config
from components.operations.probes.probe_logs import read_probes
from components.operations.snapshot import RECORD
from components.probe.explanations import Restart
from components.probe.measured import Measurement
from components.probe.reading import measure
from components.probe.records import Networks
from components.sources import SourceDescription


def measure_now(
    cluster: Cluster, *, cilium_namespace: str, restarts: Iterable[Restart] = (), timeline: bool = True
) -> Measurement:
    """Read every probe, with `timeline` also its history; raises ClusterError, and OperationError without a probe."""
    reading, silent = read_probes(cluster, with_pasts=timeline)
    return measure(reading, networks=_networks(cluster, cilium_namespace), silent=silent, restarts=restarts)


def _networks(cluster: Cluster, cilium_namespace: str) -> Networks:
    record = cluster.find(f"/api/v1/namespaces/{NAMESPACE}/configmaps/{RECORD}") or {}
    source = (record.get("data") or {}).get("source")
    live = read_live_config(cluster, namespace=cilium_namespace) or {}
    return Networks(
        old=SourceDescription.model_validate(json.loads(source)).pod_networks if source else (),
        new=tuple(live.get("cluster-pool-ipv4-cidr", "").split()),
    )

"""Kubernetes Events on a Node, so that `kubectl describe node` shows the steps of its turn."""

import secrets
from collections.abc import Mapping
from contextlib import suppress

from components.names import PREFIX
from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError
from components.operations.deadline import HoldLostError
from components.operations.turn_annotations import now

OVER_BUDGET = "MigrationTraffic"  # the reason of the Event of a wave that lost too much
_LONGEST = 1000
_LONGEST_NAME = 240  # of 253, leaving room for the random suffix


def reason_of(word: str) -> str:
    """The reason of an Event that announces a step by its name, or the end of a half turn by its outcome."""
    return f"Migration{word.title()}"


def tell(
    cluster: Cluster, node: str, *, reason: str, message: str, warning: bool = False,
    annotations: Mapping[str, str] | None = None,
) -> None:  # fmt: skip
    """Write one Event on the node; a cluster that takes no events does not stop the migration.

    A run that lost its hold writes no Event.
    """
    moment = now()
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": f"{node[:_LONGEST_NAME]}.{secrets.token_hex(6)}",
            "namespace": "default",
            "annotations": dict(annotations or {}),
        },
        # The kubelet's own convention: for nodes the name stands in for the uid.
        "involvedObject": {"kind": "Node", "name": node, "uid": node, "apiVersion": "v1"},
        "type": "Warning" if warning else "Normal",
        "reason": reason,
        "message": message[:_LONGEST],
        "source": {"component": PREFIX},
        "reportingComponent": PREFIX,
        "firstTimestamp": moment,
        "lastTimestamp": moment,
        "count": 1,
    }
    with suppress(ClusterError, HoldLostError):
        cluster.mention("/api/v1/namespaces/default/events", event)

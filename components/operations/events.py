"""Kubernetes Events on a Node, so that `kubectl describe node` tells the story of its turn."""

import secrets
from collections.abc import Mapping
from contextlib import suppress

from components.names import PREFIX
from components.operations.api import Cluster, ClusterError
from components.operations.deadline import HoldLostError
from components.operations.marks import now

_LONGEST = 1000
_LONGEST_NAME = 240  # of 253, with what is drawn after it


def tell(
    cluster: Cluster, node: str, *, reason: str, message: str, warning: bool = False,
    annotations: Mapping[str, str] | None = None,
) -> None:  # fmt: skip
    """Write one Event on the node; a cluster that takes no events does not stop the migration.

    A run that lost its hold tells nothing.
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

"""Labels and annotations that a turn writes on its Node object, so that its progress is kept on the cluster.

`io.cilium.migration/cilium-default=true` (label)  the node's agent takes over its CNI conf (Cilium's own convention)
`cni-live-migration/step`                          where the node's turn is; absent on a node that was never touched
`cni-live-migration/since`, `/by`                  when that step began (UTC), and who ran it
`cni-live-migration/cordoned-before`               the node was cordoned before its turn, and stays so after
`cni-live-migration/not-ready-before`           workloads whose pods on the node were not Ready when its turn began
`cni-live-migration/boot-id`                       the boot ID before a restart that we asked for
`cni-live-migration/restarted`                     the user's restart command has ended well in this turn
`cni-live-migration/held`                          what the annotations that hold autoscalers off were before its turn
`cni-live-migration/turn`                          the record of its turn: times, steps and counts, as JSON
`cni-live-migration/traffic-told`                  since when a wave's losses were counted that its operator was told of
"""

import getpass
import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum

from components.names import PREFIX
from components.operations.cluster_api.api import Cluster
from components.operations.deadline import OperationError
from components.operations.objects.model import Node

STEP, SINCE, BY = f"{PREFIX}/step", f"{PREFIX}/since", f"{PREFIX}/by"
CORDONED_BEFORE, BOOT_ID, RESTARTED = f"{PREFIX}/cordoned-before", f"{PREFIX}/boot-id", f"{PREFIX}/restarted"
TRAFFIC_TOLD, NOT_READY_BEFORE, HELD = f"{PREFIX}/traffic-told", f"{PREFIX}/not-ready-before", f"{PREFIX}/held"
TURN = f"{PREFIX}/turn"
ALL = (STEP, SINCE, BY, CORDONED_BEFORE, NOT_READY_BEFORE, BOOT_ID, RESTARTED, TRAFFIC_TOLD, HELD, TURN)


class TurnStep(StrEnum):
    """The step that a node's turn has reached."""

    DRAINING = "draining"
    DRAINED = "drained"
    SWITCHING = "switching"
    MIGRATED = "migrated"
    RETURNING = "returning"


def node_path(name: str) -> str:
    """The path of a Node in the API."""
    return f"/api/v1/nodes/{name}"


def read_node(cluster: Cluster, name: str) -> Node:
    """The node as it is now."""
    return Node.read(cluster.get(node_path(name)))


def find_same(cluster: Cluster, name: str, *, uid: str) -> Node | None:
    """The node with that UID; None if it is gone, even if another has its name. An empty `uid` matches any."""
    item = cluster.find(node_path(name))
    node = Node.read(item) if item else None
    return node if node and uid in ("", node.uid) else None


def assert_same(cluster: Cluster, name: str, *, uid: str) -> None:
    """Raise OperationError if the node was re-created under its name: such a node needs a turn of its own."""
    if uid and read_node(cluster, name).uid != uid:
        raise OperationError(
            f"node {name} was re-created under its name since this run began: `pulumi up` again begins its turn anew"
        )


def assert_there(cluster: Cluster, name: str) -> None:
    """Raise OperationError if the node is no longer in the cluster."""
    if cluster.find(node_path(name)) is None:
        raise OperationError(
            f"node {name} left the cluster in the middle of its turn: take it out of `waves` and run `pulumi up` again"
        )


def step_of(node: Node) -> TurnStep | None:
    """The step that the node's turn has reached; None if it never had one."""
    text = node.annotations.get(STEP, "")
    return TurnStep(text) if text in set(TurnStep) else None


def now() -> str:
    """The time in UTC, to the second, as the API writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def mark(cluster: Cluster, node: str, step: TurnStep, **more: str | None) -> None:
    """Write the step on the node, with time and user; `more` are further annotations by full key, None removes one."""
    try:
        who = getpass.getuser()
    except (KeyError, OSError):
        who = "unknown"
    annotations = {STEP: step.value, SINCE: now(), BY: f"{who}@{socket.gethostname()}", **more}
    cluster.patch(node_path(node), {"metadata": {"annotations": annotations}})


def clear(cluster: Cluster, node: str, *, besides: Mapping[str, str | None] | None = None) -> None:
    """Remove everything that a turn wrote on the node except the node config's label; and annotations `besides`."""
    cluster.patch(node_path(node), {"metadata": {"annotations": {**dict.fromkeys(ALL), **(besides or {})}}})

"""Runs one of our scripts on a node itself, in a short-lived privileged pod that needs no pod network."""

import json
import secrets
from collections.abc import Sequence
from contextlib import suppress
from importlib import resources
from typing import Any

from components.names import NAMESPACE, PREFIX, label_value
from components.operations.api import Cluster, ClusterError
from components.operations.deadline import Deadline, OperationError, Pending, wait_until
from components.pods import OurPods

_LABEL = f"{PREFIX}/node-shell"
_LOG_SECONDS = 15.0
_PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"


def script(name: str) -> str:
    """The text of a script of the `on_node` folder."""
    return (resources.files("components.operations") / "on_node" / f"{name}.py").read_text()


def shell_pod(node: str, name: str, *, pods: OurPods, arguments: Sequence[str] = ()) -> dict[str, Any]:
    """The pod that runs the script `name` on the node."""
    container = {
        "name": "script",
        "command": ["python3", "-c", script(name), *arguments],
        "securityContext": {"privileged": True},
    }
    return pods.pod(
        f"{name.replace('_', '-')}-{secrets.token_hex(4)}", container, node=node, labels={_LABEL: label_value(node)},
        hostPID=True, hostNetwork=True,
    )  # fmt: skip


def remove_old_shells(cluster: Cluster, node: str) -> None:
    """Delete what a killed run may have left of ours on the node."""
    for item in cluster.list(_PODS, labelSelector=f"{_LABEL}={label_value(node)}"):
        cluster.delete(f"{_PODS}/{item['metadata']['name']}", grace_period_seconds=0)


def start_on_node(cluster: Cluster, node: str, name: str, *, pods: OurPods, arguments: list[str] | None = None) -> str:
    """Start the script `name` on the node and return its pod's name without waiting."""
    remove_old_shells(cluster, node)
    pod = shell_pod(node, name, pods=pods, arguments=arguments or ())
    cluster.create(_PODS, pod)
    return str(pod["metadata"]["name"])


def run_on_node(
    cluster: Cluster,
    node: str,
    name: str,
    *,
    pods: OurPods,
    arguments: list[str] | None = None,
    timeout_seconds: float = 90,
) -> Any:
    """Run the script `name` on the node; returns the JSON of the last line that it prints.

    Raises OperationError if it fails or does not end in time.
    """
    pod = start_on_node(cluster, node, name, pods=pods, arguments=arguments)
    path = f"{_PODS}/{pod}"

    def ended() -> str | Pending:
        status = (cluster.find(path) or {}).get("status") or {}
        phase = str(status.get("phase") or "not there")
        if phase in ("Succeeded", "Failed"):
            return phase
        waiting = [
            each["state"]["waiting"].get("reason", "")
            for each in status.get("containerStatuses") or []
            if "waiting" in (each.get("state") or {})
        ]
        return Pending(f"pod {NAMESPACE}/{pod} is {phase} {' '.join(waiting)}".strip())

    try:
        phase = wait_until(
            ended,
            what=f"node {node}: script {name}",
            deadline=Deadline(timeout_seconds),
            remedy=f"`kubectl -n {NAMESPACE} describe pod {pod}` says more",
            every_seconds=0.3,
        )
        output = wait_until(
            lambda: cluster.logs(namespace=NAMESPACE, pod=pod),
            what=f"node {node}: what script {name} printed",
            deadline=Deadline(_LOG_SECONDS),
            remedy="look at the node's kubelet; then `pulumi up` again",
        ).strip()
    finally:
        with suppress(ClusterError):  # what stays is removed by the next script on the node
            cluster.delete(path, grace_period_seconds=0)
    if phase == "Failed":
        raise OperationError(f"node {node}: script {name} failed: {output[-500:]}")
    return _last_line(output, of=f"node {node}: script {name}", pod=pod)


def _last_line(output: str, *, of: str, pod: str) -> Any:
    """The result that a script prints at its end; a kubelet may have lost it, or the container's runtime cut it off."""
    try:
        return json.loads(output.splitlines()[-1])
    except (IndexError, ValueError) as error:
        said = f"only {output[-200:]!r}" if output else "nothing"
        raise OperationError(
            f"{of} ended well, but the log of its pod {pod} has {said}: look at the node's kubelet and its disk, then "
            "`pulumi up` again"
        ) from error

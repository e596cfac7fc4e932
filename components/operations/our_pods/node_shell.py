"""Runs a script of `on_node` on a node, in a short-lived privileged pod that needs no pod network."""

import json
import re
import secrets
from collections.abc import Sequence
from contextlib import suppress
from importlib import resources
from typing import Any

from components.names import NAMESPACES, NODES_NAMESPACE, PREFIX, label_value
from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError, Object
from components.operations.deadline import Deadline, OperationError, Pending, wait_until
from components.operations.our_pods.pod_start import Start, end_of
from components.operations.our_pods.refusals import create_pod, pods_of
from components.pods import OurPods

_LABEL = f"{PREFIX}/node-shell"
_LOG_SECONDS = 15.0
_IMPORT = re.compile(r"^from components\.operations\.on_node\.(\w+) import [^\n]*\n", re.MULTILINE)
_PODS = pods_of(NODES_NAMESPACE)


def script(name: str) -> str:
    """The text of a script of the `on_node` folder, with the files of that folder that it imports inlined."""
    text = (resources.files("components.operations") / "on_node" / f"{name}.py").read_text()
    return _IMPORT.sub(lambda found: script(found[1]), text)


def shell_pod(node: str, name: str, *, pods: OurPods, arguments: Sequence[str] = ()) -> dict[str, Any]:
    """The pod that runs the script `name` on the node."""
    container = {
        "name": "script",
        "command": ["python3", "-c", script(name), *arguments],
        "securityContext": {"privileged": True},
    }
    return pods.pod(
        f"{name.replace('_', '-')}-{secrets.token_hex(4)}", container, namespace=NODES_NAMESPACE, node=node,
        labels={_LABEL: label_value(node)}, hostPID=True, hostNetwork=True,
    )  # fmt: skip


def remove_old_shells(cluster: Cluster, node: str) -> None:
    """Delete script pods that a killed run left on the node, in the probe's namespace too (earlier versions)."""
    for folder in map(pods_of, NAMESPACES):
        for item in cluster.list(folder, labelSelector=f"{_LABEL}={label_value(node)}"):
            cluster.delete(f"{folder}/{item['metadata']['name']}", grace_period_seconds=0)


def start_on_node(cluster: Cluster, node: str, name: str, *, pods: OurPods, arguments: list[str] | None = None) -> str:
    """Start the script `name` on the node and return its pod's name without waiting."""
    remove_old_shells(cluster, node)
    pod = shell_pod(node, name, pods=pods, arguments=arguments or ())
    create_pod(cluster, pod, of=f"node {node}: script {name}")
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
    start = Start(cluster, pod, namespace=NODES_NAMESPACE, of=f"node {node}: script {name}")

    def ended() -> Object | Pending:
        item = start.look()
        if isinstance(item, Pending) or item["status"]["phase"] in ("Succeeded", "Failed"):
            return item
        return Pending(start.why(item))

    try:
        item = wait_until(
            ended,
            what=f"node {node}: script {name}",
            deadline=Deadline(timeout_seconds),
            remedy="look at the node's kubelet; then `pulumi up` again",
            every_seconds=0.3,
        )
        output = wait_until(
            lambda: cluster.logs(namespace=NODES_NAMESPACE, pod=pod),
            what=f"node {node}: what script {name} printed",
            deadline=Deadline(_LOG_SECONDS),
            remedy="look at the node's kubelet; then `pulumi up` again",
        ).strip()
    finally:
        with suppress(ClusterError):  # if it stays, the next script on the node removes it
            cluster.delete(path, grace_period_seconds=0)
    if item["status"]["phase"] == "Failed":
        raise OperationError(f"node {node}: script {name} failed ({end_of(item)}): {output[-500:]}")
    return _last_line(output, of=f"node {node}: script {name}", pod=pod)


def _last_line(output: str, *, of: str, pod: str) -> Any:
    """The JSON in a script's last line; the kubelet may have lost it, or the container run time truncated it."""
    try:
        return json.loads(output.splitlines()[-1])
    except (IndexError, ValueError) as error:
        said = f"only {output[-200:]!r}" if output else "nothing"
        raise OperationError(
            f"{of} ended well, but the log of its pod {pod} has {said}: look at the node's kubelet and its disk, then "
            "`pulumi up` again"
        ) from error

"""Re-creates the pods that a drain leaves on a node, so that each gets an address of the network now in charge."""

from collections.abc import Callable

from components.operations.cluster_api.api import Cluster
from components.operations.deadline import Deadline, OperationError, Pending, StoppedError, wait_until
from components.operations.draining.drain import pods_on
from components.operations.objects.model import Pod
from components.operations.progress import Progress
from components.operations.turn_steps.readiness import (
    not_ready,
    not_ready_before,
    remember_unless_renewed,
    title_of,
    way_out,
)
from components.operations.turn_steps.verification import is_fresh_pod
from components.plurals import many


def stale_pods(cluster: Cluster, node: str, *, stale: Callable[[Pod], bool]) -> list[Pod]:
    """Pods of the node whose address is of the network that it left; that which verifies the node aside."""
    pods = pods_on(cluster, node)
    return [pod for pod in pods if pod.on_pod_network and pod.address and stale(pod) and not is_fresh_pod(pod)]


def recycle(
    cluster: Cluster, node: str, *, stale: Callable[[Pod], bool], network: str, timeout_seconds: float,
    progress: Progress, may_reboot: bool = False,
) -> list[str]:  # fmt: skip
    """Delete each stale pod, wait until all pods of the node are Ready with fresh addresses; returns who was deleted.

    `network` is what the node is on now, in an operator's words; `may_reboot` is True where a turn with
    restart.method 'reboot' would restart it.
    What was not Ready before the turn is not waited for: by the note on the node, or if that is gone by what is stale.
    Raises OperationError for a static pod, which only a reboot moves, and when time runs out.
    """
    found = stale_pods(cluster, node, stale=stale)
    static = [pod.title for pod in found if pod.mirror]
    if static:
        way_on = "set restart.method to 'reboot'" if may_reboot else f"restart {node} yourself"
        raise OperationError(
            f"node {node}: static pods {', '.join(static)} keep their old address until the node restarts: "
            f"{way_on} and run `pulumi up` again"
        )
    remember_unless_renewed(cluster, node, stale=stale)
    before = not_ready_before(cluster, node)
    missed = not_ready(found) if before is None else before
    for pod in found:
        cluster.delete(pod.path, uid=pod.uid)
    if found:
        progress.say(f"{many(len(found), 'pod')} recycled: {', '.join(pod.title for pod in found)}")
    if missed:
        progress.say(f"not waited for, as not Ready before: {', '.join(sorted(missed))}")

    def settled() -> Pending | None:
        waiting, unknown = [], set()
        for pod in pods_on(cluster, node):
            if not pod.on_pod_network or is_fresh_pod(pod):
                continue
            if pod.terminating_since:
                waiting.append(f"{pod.title} is terminating")
            elif pod.address and stale(pod):
                waiting.append(f"{pod.title} still has {pod.address}")
            elif (not pod.ready or not pod.address) and not pod.finished and title_of(pod) not in missed:
                waiting.append(f"{pod.title} is {pod.phase}, not Ready")
                unknown.add(title_of(pod))
        if unknown and before is None:
            waiting.append(
                "whether it was Ready before its turn is not known, as the note on the node is gone: where it was not, "
                + way_out(node, {*missed, *unknown})
            )
        return Pending("; ".join(waiting)) if waiting else None

    wait_until(
        settled,
        what=f"node {node}: its pods Ready with addresses of {network}",
        deadline=Deadline(timeout_seconds),
        remedy=f"`kubectl get pods -A -o wide --field-selector spec.nodeName={node}` shows them; `pulumi up` again",
    )
    return [pod.title for pod in found]


def wait_for_fresh_addresses(
    cluster: Cluster, node: str, *, stale: Callable[[Pod], bool], timeout_seconds: float
) -> None:
    """After a reboot the kubelet gives each pod a new sandbox by itself: wait for that, without an error if not."""

    def fresh() -> Pending | None:
        old = stale_pods(cluster, node, stale=stale)
        return Pending(", ".join(pod.title for pod in old)) if old else None

    try:
        wait_until(fresh, what="", deadline=Deadline(timeout_seconds), remedy="")
    except StoppedError:
        raise
    except OperationError:
        return

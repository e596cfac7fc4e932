"""Checks of the pods that a drain leaves on a node, which are renewed there once it is switched."""

from collections.abc import Iterator

from components.checks.check import check
from components.checks.context import Context
from components.checks.finding import Found, Severity
from components.operations.model import Pod
from stacks.config import MOST_SECONDS, RestartMethod
from stacks.phases import Phase


@check(
    id="staying-pods-renewed",
    title="Pods that stay on the node can be renewed",
    severity=Severity.BLOCKER,
    phase=Phase.MIGRATE,
    why="what a drain leaves is renewed once the node is switched: a pod that cannot be breaks off the turn there",
    remedy="set restart.method to 'reboot'",
)
def staying_pods_renewed(context: Context) -> Iterator[Found]:
    """Static pods with an address of the pod network, which no deletion renews, and pods that end too slowly."""
    restart = context.config.restart
    if restart.method is not RestartMethod.RECYCLE:
        return
    for node in context.about_to_switch:
        for pod in context.snapshot.pods_on(node.name):
            if not pod.on_pod_network:
                continue
            if pod.mirror:
                yield Found(
                    evidence=f"node {node.name}: static pod {pod.title} keeps its old address until the node restarts",
                    remedy="set restart.method to 'reboot'"
                    + (" and drain.inPlace to false" if context.config.drain.in_place else "")
                    + ", or give it the host network",
                )
            elif pod.controller and pod.controller.is_daemon_set and _grace(pod) >= restart.timeout_seconds:
                yield Found(
                    evidence=f"node {node.name}: pod {pod.title} ({pod.workload}) may take {_grace(pod)} s to end, and "
                    f"the renewal of the node's pods waits {restart.timeout_seconds} s",
                    remedy=f"set restart.timeoutSeconds above {_grace(pod)}"
                    if _grace(pod) < MOST_SECONDS
                    else "give it a shorter terminationGracePeriodSeconds for the move",
                    severity=Severity.WARNING,
                )


def _grace(pod: Pod) -> int:
    return pod.demand.grace_seconds

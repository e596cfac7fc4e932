"""A check of the pods that a drain leaves on a node, which are renewed there once it is switched."""

from collections.abc import Iterator

from components.checks.framework.check import check
from components.checks.framework.context import Context
from components.checks.framework.finding import Found, Severity
from components.operations.objects.model import Pod
from stacks.sections.node import RestartMethod
from stacks.sections.seconds import MOST_SECONDS
from stacks.strategies import Milestone


@check(
    id="staying-pods-renewed",
    title="Pods that stay on the node can be renewed",
    severity=Severity.BLOCKER,
    guards=Milestone.NODES_MOVE,
    why="what a drain leaves is renewed once the node is switched: a pod that cannot be breaks off the turn there",
    remedy="set restart.method to 'reboot'",
)
def staying_pods_renewed(context: Context) -> Iterator[Found]:
    """Findings about static pods on the pod network, which a deletion does not renew, and pods that end too slowly."""
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

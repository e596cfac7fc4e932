"""A check of Cilium's agents after Cilium is installed."""

from collections.abc import Iterator

from components.checks.framework.check import check
from components.checks.framework.context import Context
from components.checks.framework.finding import Found, Severity
from components.checks.framework.name_lists import some
from components.plurals import many
from stacks.strategies import Milestone

_AGENT = ("k8s-app", "cilium")


@check(
    id="agents-ready",
    title="Cilium's agents are Ready",
    severity=Severity.BLOCKER,
    guards=Milestone.NODES_MOVE,
    why=(
        "the agent takes its node over: one that is not Ready now leaves the node without network in the midst of its "
        "turn (cilium#30609)"
    ),
    remedy="look at its log; the node moves once its agent is Ready",
)
def agents_ready(context: Context) -> Iterator[Found]:
    """Findings about nodes without a Ready agent: a blocker for those about to move, a warning for the others."""
    if (
        context.snapshot.cilium_config is None
        or context.reached is None
        or not context.reached.includes(Milestone.BOTH_NETWORKS)
    ):
        return
    agents = [
        pod
        for pod in context.snapshot.pods
        if pod.namespace == context.config.cilium.namespace and pod.labels.get(_AGENT[0]) == _AGENT[1]
    ]
    ill = {pod.node: pod for pod in agents if not pod.ready and not pod.finished}
    have = {pod.node for pod in agents}
    # With no agent anywhere, the phase gates report it: this check is about single nodes that were left out.
    without = context.snapshot.linux_names - have if agents else set()
    moving = {node.name for node in context.about_to_switch}
    for phase in (Milestone.CILIUM_ALONE, Milestone.OLD_NETWORK_GONE):
        if context.enters(phase):
            moving |= context.snapshot.node_names  # `finalize` restarts every agent, `cleanup` has each sweep its node
    for name in sorted(moving & set(ill)):
        yield Found(
            evidence=f"Cilium's agent {ill[name].title} on node {name} is not Ready",
            remedy=f"`kubectl -n {ill[name].namespace} logs {ill[name].name}` says why; mend that first",
        )
    for name in sorted(moving & without):
        yield Found(
            evidence=f"no agent of Cilium runs on node {name}",
            remedy=f"`kubectl -n {context.config.cilium.namespace} describe daemonset cilium` says why (a selector, a "
            "taint); mend that first",
        )
    others = sorted(set(ill) - moving)
    if others:
        yield Found(
            evidence=f"Cilium's agent is not Ready on {many(len(others), 'node')} ({some(others)})",
            remedy="these nodes do not hold up others, but look at their agents' logs",
            severity=Severity.WARNING,
        )

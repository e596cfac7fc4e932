"""Checks of the whole cluster, independent of the waves."""

from collections import defaultdict
from collections.abc import Iterator

from components.checks.framework.check import check
from components.checks.framework.context import Context
from components.checks.framework.finding import Found, Severity
from components.checks.framework.name_lists import some
from components.operations.draining.drain_plan import DrainPlan, budget_findings
from components.operations.objects.model import Budget, Pod
from components.plurals import many
from stacks.strategies import Milestone
from stacks.values import value_at

_CLOCKS_APART_SECONDS = 5


@check(
    id="dual-stack",
    title="One family of addresses",
    severity=Severity.BLOCKER,
    guards=Milestone.NODES_MOVE,
    why=(
        "Cilium's pool here is IPv4: pods that move have no IPv6 address any more, and a Service's IPv6 address leads "
        "to none of them (Cilium's page on migrating a cluster; tigera/operator#1877)"
    ),
    remedy="set `ipv6.enabled` and `ipam.operator.clusterPoolIPv6PodCIDRList` in cilium.values",
)
def dual_stack(context: Context) -> Iterator[Found]:
    """Findings about IPv6 on the pod network."""
    if not context.ahead(Milestone.CILIUM_ALONE):
        return
    services = [each.title for each in context.snapshot.services if "IPv6" in each.families]
    nodes = [node.name for node in context.snapshot.nodes if any(":" in each for each in node.pod_cidrs)]
    used = [f"{many(len(services), 'Service')} with an IPv6 address ({some(services)})"] if services else []
    used += [f"{many(len(nodes), 'node')} with an IPv6 range for pods ({some(nodes)})"] if nodes else []
    if not used:
        return
    if str(value_at(context.values, "ipv6.enabled")).lower() == "true":
        yield Found(
            evidence=f"the cluster has {' and '.join(used)}",
            remedy="the verification of a turn and the probe look at IPv4: try IPv6 yourself on the first node",
            severity=Severity.WARNING,
        )
    else:
        severity = context.once_nodes_move if services else Severity.WARNING
        yield Found(evidence=f"the cluster has {' and '.join(used)}, Cilium's pool is IPv4 alone", severity=severity)


@check(
    id="budgets",
    title="Budgets let every pod go",
    severity=Severity.WARNING,
    guards=Milestone.NODES_MOVE,
    why=(
        "a PodDisruptionBudget without headroom refuses every eviction, and of a pod under two of them the API answers "
        "500 for ever; when the pod's node is in a wave that is a blocker (kubernetes.io: API-initiated eviction)"
    ),
    remedy="mend it before its node's turn",
)
def budgets(context: Context) -> Iterator[Found]:
    """Findings about PodDisruptionBudgets that would block drains of nodes that are in no wave yet."""
    if context.config.drain.disable_eviction:
        return
    theirs: dict[str, list[Budget]] = defaultdict(list)
    for budget in context.snapshot.budgets:
        theirs[budget.namespace].append(budget)
    left = context.snapshot.node_names - context.snapshot.migrated - set(context.config.nodes)
    pods: dict[str, list[Pod]] = defaultdict(list)
    for pod in context.snapshot.pods:
        if pod.namespace in theirs and pod.node in left and _would_be_evicted(pod):
            pods[pod.namespace].append(pod)
    for namespace, evicted in sorted(pods.items()):
        plan = DrainPlan(evict=tuple(evicted), leave=(), refusals=(), warnings=())
        never, _ = budget_findings(plan, theirs[namespace])
        if never:
            more = f" (and {many(len(never) - 1, 'more such finding')} in {namespace})" if len(never) > 1 else ""
            yield Found(evidence=f"{never[0].fact}{more}", remedy=never[0].remedy)


def _would_be_evicted(pod: Pod) -> bool:
    return not (pod.past_budgets or pod.mirror or pod.controller is None or pod.controller.is_daemon_set)


@check(
    id="node-conditions",
    title="Nodes are well",
    severity=Severity.WARNING,
    guards=Milestone.NODES_MOVE,
    why="a node under pressure takes no replacements and evicts pods by itself, which looks like the migration's doing",
    remedy="relieve it before pods are moved to it or from it",
)
def node_conditions(context: Context) -> Iterator[Found]:
    """Findings about nodes with MemoryPressure, DiskPressure, PIDPressure or NetworkUnavailable."""
    if context.ahead(Milestone.CILIUM_ALONE):
        for name, state in sorted(context.snapshot.node_states.items()):
            if state.troubles:
                yield Found(evidence=f"node {name} has {', '.join(state.troubles)}")


@check(
    id="clocks",
    title="The nodes' clocks agree",
    severity=Severity.WARNING,
    guards=Milestone.BEFORE_CILIUM,
    why=(
        "losses are put down to a node's turn by time, and certificates are not valid yet, or no more, for a node "
        "whose clock is off"
    ),
    remedy="have its clock kept by NTP",
)
def clocks(context: Context) -> Iterator[Found]:
    """Findings about nodes whose clock differs from the API server's, by the renewal times of their Leases."""
    if not context.ahead(Milestone.CILIUM_ALONE):
        return
    for name, ahead in sorted(context.snapshot.clock_skews.items()):
        if name in context.snapshot.node_names and abs(ahead) > _CLOCKS_APART_SECONDS:
            way = "ahead of" if ahead > 0 else "behind"
            yield Found(evidence=f"the clock of node {name} is {abs(ahead):.0f} s {way} the API server's")

"""Checks of this program's own pods: admission, quotas, node selectors, room, and the objects that `pods` names."""

from collections.abc import Iterator

from components.checks.framework.check import check
from components.checks.framework.context import Context
from components.checks.framework.finding import Found, Severity
from components.checks.framework.name_lists import some
from components.operations.demands.quantities import NOTHING, Room, total
from components.operations.draining.drain_plan import plan_turn
from components.operations.our_pods.refusals import NO_RIGHT, POD_SECURITY
from components.plurals import many
from stacks.strategies import Milestone

_NAMED = 5


def _nodes_to_work_on(context: Context) -> set[str]:
    """Nodes on which this run starts pods: those that move or go back, and those to inspect."""
    snapshot = context.snapshot
    looked_at = {
        node.name
        for node in snapshot.nodes
        if node.runs_linux and node.ready and (context.looks_anew or node.name not in snapshot.facts)
    }
    leaving = snapshot.migrated - set(context.config.nodes)
    return looked_at | leaving | {node.name for node in context.about_to_move}


@check(
    id="pods-accepted",
    title="The cluster takes our pods",
    severity=Severity.BLOCKER,
    guards=Milestone.BEFORE_CILIUM,
    why=(
        "a quota, a policy or a webhook that refuses the pods of a node's turn does so with the node drained; they are "
        "tried in a dry run, which creates nothing"
    ),
    remedy="have the namespace let them in, or make them fit by the stack's `pods`",
)
def pods_accepted(context: Context) -> Iterator[Found]:
    """Findings about pods that the API server refuses in a dry run; only warnings if this run starts none."""
    needed = bool(_nodes_to_work_on(context))
    for each in context.snapshot.tried.refused:
        if NO_RIGHT in each.said:  # reported by the check of permissions
            continue
        # The first run labels a namespace that existed before it.
        labelled_later = POD_SECURITY in each.said and context.snapshot.record is None
        grave = needed and each.certain and not labelled_later
        fact = "the API server would refuse" if each.certain else "the API server cannot try"
        yield Found(
            evidence=f"{fact} {each.pod}: {each.said}",
            remedy="this run labels the namespace, before it needs it" if labelled_later else each.remedy,
            severity=Severity.BLOCKER if grave else Severity.WARNING,
        )


@check(
    id="pods-quota",
    title="A wave's pods fit the quotas",
    severity=Severity.BLOCKER,
    guards=Milestone.NODES_MOVE,
    why="each node's turn has a pod in both of our namespaces, and a quota that lets in one of them ends it half-way",
    remedy="raise the quota, have our pods ask for less by pods.resources, or make waves smaller",
)
def pods_quota(context: Context) -> Iterator[Found]:
    """Findings about quotas without room for the pods of all nodes that move, or go back, side by side."""
    tried, moving = context.snapshot.tried, {node.name for node in context.about_to_switch}
    leaving = context.snapshot.migrated - set(context.config.nodes)
    widest = max(len(leaving), *(len(moving.intersection(wave)) for wave in context.config.waves), 0)
    for quota in tried.quotas:
        wanted = {name: amount * widest for name, amount in tried.taken.get(quota.namespace, {}).items()}
        if lacking := quota.lacking(wanted):
            amounts = (
                f"{name} {_shown(name, wanted[name])}, of which {_shown(name, max(0, quota.room[name]))} are left"
                for name in lacking
            )
            title = f"{many(widest, 'node')} side by side need of ResourceQuota {quota.namespace}/{quota.name}"
            yield Found(evidence=f"{title}: {', '.join(amounts)}")


def _shown(resource: str, amount: float) -> str:
    in_bytes = resource.endswith(("memory", "storage"))
    return f"{amount / 1024**2:g}Mi" if in_bytes else f"{amount:g}"


@check(
    id="pods-references",
    title="What `pods` names is there",
    severity=Severity.BLOCKER,
    guards=Milestone.BEFORE_CILIUM,
    why="without its priority class no pod of ours is created, and without its pull secret none starts",
    remedy="create it, or take it out of `pods`",
)
def pods_references(context: Context) -> Iterator[Found]:
    """Findings about a missing priority class or pull secret; one that cannot be read is a warning."""
    for each in context.snapshot.tried.missing:
        severity = Severity.BLOCKER if each.certain else Severity.WARNING
        yield Found(evidence=f"{each.setting}: {each.said}", remedy=each.remedy, severity=severity)


@check(
    id="pods-node-selector",
    title="`pods.nodeSelector` leaves no node out",
    severity=Severity.BLOCKER,
    guards=Milestone.BEFORE_CILIUM,
    why="our pods look at each node, verify it and keep traffic going on it; a kubelet refuses them without the labels",
    remedy="label the nodes, or take it out of pods.nodeSelector",
)
def pods_node_selector(context: Context) -> Iterator[Found]:
    """Findings about Linux nodes without a selected label; only warnings for nodes on which this run starts no pod."""
    needed, ours = _nodes_to_work_on(context), context.config.pods.node_selector
    demanded: dict[tuple[str, str], list[str]] = {each: [] for each in ours.items()}
    for namespace, selector in context.snapshot.tried.node_selectors.items():
        for each in selector.items():
            demanded.setdefault(each, []).append(namespace)
    for (key, value), namespaces in demanded.items():
        lacking = {node.name for node in context.snapshot.nodes if node.runs_linux and node.labels.get(key) != value}
        whose = f"pods.nodeSelector {key}={value}"
        way_out = f"`pulumi config rm --path 'pods.nodeSelector[\"{key}\"]'`"
        if key not in ours:
            whose = f"the cluster's admission adds the node selector {key}={value}, which"
            way_out = f"have namespace {' and '.join(namespaces)} exempted from the node selector of its annotations"
        for names, severity in ((lacking & needed, Severity.BLOCKER), (lacking - needed, Severity.WARNING)):
            if names:
                named = sorted(names)[:_NAMED]
                others = " and the others" if len(names) > _NAMED else ""
                yield Found(
                    evidence=f"{whose} keeps our pods off {some(sorted(names))}, where they must be",
                    remedy=f"`kubectl label node {' '.join(named)} {key}={value} --overwrite`{others}, or {way_out}",
                    severity=severity,
                )


@check(
    id="pods-fit",
    title="Our pods have room on their nodes",
    severity=Severity.BLOCKER,
    guards=Milestone.NODES_MOVE,
    why="each is bound to a node, whose kubelet refuses what it has no room for, and in a turn that is switched then",
    remedy="make room on the node, or have our pods ask for less by pods.resources",
)
def pods_fit(context: Context) -> Iterator[Found]:
    """Findings about nodes without room for a turn's two pods beside those that stay on the node."""
    snapshot, taken = context.snapshot, context.snapshot.tried.taken_of_node
    asked = Room(cores=taken("cpu"), memory=taken("memory"), pods=int(taken("pods")))
    options = context.config.drain
    for node in context.about_to_switch:
        state = snapshot.node_states.get(node.name)
        if state is None or state.room == NOTHING:
            continue
        there = snapshot.pods_on(node.name)
        if not options.in_place:
            leave = plan_turn(there, daemon_sets=snapshot.daemon_set_names, options=options).leave
            there = [pod for pod, _ in leave]
        left = (state.room - total(pod.asks for pod in there if not pod.finished)).at_least(NOTHING)
        if left.at_least(asked) != left:
            yield Found(
                evidence=f"node {node.name} has {left.text} left in its turn, and our pods ask for {asked.text}"
            )

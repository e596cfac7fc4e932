"""Checks of the nodes that are about to move, and of the pods on them."""

from collections.abc import Iterator, Sequence

from components.checks.framework.check import check
from components.checks.framework.context import Context
from components.checks.framework.finding import Found, Severity
from components.checks.framework.name_lists import some
from components.operations.draining.autoscaler_hold import release_words
from components.operations.draining.drain_notes import Surroundings, Topic, preview_notes
from components.operations.draining.drain_plan import budget_findings, budgets_near, plan_turn
from components.operations.objects.model import Node
from components.operations.turn_annotations import BY, CORDONED_BEFORE, SINCE, STEP, TurnStep, step_of
from components.plurals import many
from stacks.notation.nearest import nearest
from stacks.strategies import Milestone
from stacks.virtual_nodes import elsewhere, keeps_off

# These install Cilium on every node, restart every agent, and sweep every node.
_ON_EVERY_NODE = (Milestone.BOTH_NETWORKS, Milestone.CILIUM_ALONE, Milestone.OLD_NETWORK_GONE)


@check(
    id="nodes-known",
    title="Nodes of the waves exist",
    severity=Severity.BLOCKER,
    guards=Milestone.NODES_MOVE,
    why="a name that was mistyped would be a node that is never moved",
    remedy="correct `waves`",
    gate=True,
)
def nodes_known(context: Context) -> Iterator[Found]:
    """Findings about names in the waves that are no node of the cluster."""
    names = sorted(context.snapshot.node_names)
    free = [name for name in names if name not in context.config.nodes]  # one in a wave was named on purpose
    for number, wave in enumerate(context.config.waves):
        for position, name in enumerate(wave):
            if name not in context.snapshot.node_names:
                meant = nearest(name, [each for each in free if _digits(each) == _digits(name)])
                yield Found(
                    evidence=f"node {name} of the waves is not in the cluster (config waves[{number}][{position}])",
                    remedy=f"remove it from waves if it was deleted; or did you mean {meant}?"
                    if meant
                    else f"remove it from waves; the nodes are {some(names)}",
                )


def _digits(name: str) -> str:
    """The digits in a node's name: if they differ, the name is another node of the series rather than a typo."""
    return "".join(filter(str.isdigit, name))


@check(
    id="nodes-ready",
    title="Nodes are Ready",
    severity=Severity.BLOCKER,
    guards=Milestone.BOTH_NETWORKS,
    why="a node that is NotReady cannot be drained or proved to work, and Cilium does not come up on it",
    remedy="bring it back first",
)
def nodes_ready(context: Context) -> Iterator[Found]:
    """Findings about nodes that are NotReady: blockers for those about to move, warnings for the others."""
    moving = {node.name for node in context.about_to_move}
    for node in context.snapshot.nodes:
        if node.ready:
            continue
        if step_of(node) in (TurnStep.SWITCHING, TurnStep.RETURNING):
            yield Found(
                evidence=f"node {node.name} is NotReady in the middle of its turn",
                remedy="it may be in its restart: the run waits for it",
                severity=Severity.WARNING,
            )
            continue
        acted_on = next((context.phase_at(each) for each in _ON_EVERY_NODE if context.enters(each)), None)
        blocks = node.runs_linux and (node.name in moving or acted_on is not None)
        yield Found(
            evidence=f"node {node.name} is NotReady"
            + (f", and phase '{acted_on}' acts on every node" if blocks and node.name not in moving else ""),
            remedy=(
                f"bring it back first; or, if its machine is gone for good, `kubectl delete node {node.name}`"
                if blocks
                else "it does not block the others, but look at it"
            ),
            severity=Severity.BLOCKER if blocks else Severity.WARNING,
        )


@check(
    id="nodes-linux",
    title="Nodes of the waves run Linux",
    severity=Severity.BLOCKER,
    guards=Milestone.NODES_MOVE,
    why="Cilium's agent runs on Linux nodes alone; Windows nodes and virtual ones keep their own network",
    remedy="take it out of `waves`",
    gate=True,
)
def nodes_linux(context: Context) -> Iterator[Found]:
    """Findings about nodes without Linux: blockers in the waves, warnings for the others, which never move."""
    wanted = set(context.config.nodes)
    others = [node for node in context.snapshot.nodes if not node.runs_linux]
    for node in others:
        if node.name in wanted:
            yield Found(evidence=f"node {node.name} of the waves is no Linux machine, so no agent of Cilium runs on it")
    virtual = [node.name for node in others if node.is_virtual and node.name not in wanted]
    systems: dict[str, list[str]] = {}
    for node in others:
        if not node.is_virtual and node.name not in wanted:
            systems.setdefault("Windows" if node.runs_windows else node.operating_system, []).append(node.name)
    of_systems = [(names, f"run {system}") for system, names in systems.items()]
    for names, what in (*of_systems, (virtual, "are virtual")):
        if names:
            yield Found(
                evidence=f"{many(len(names), 'node')} ({some(sorted(names))}) {what} and stay on their network",
                remedy="see that pods there reach those on Cilium's network as they need to, and what Cilium's "
                "policies mean for them",
                severity=Severity.WARNING,
            )
    yield from _agents_that_never_start([node for node in others if node.is_virtual], context)


def _agents_that_never_start(virtual: Sequence[Node], context: Context) -> Iterator[Found]:
    """Findings about virtual nodes that Cilium's DaemonSet selects: without a label, or newer than Cilium's values."""
    installed = context.snapshot.cilium_config is not None
    sent = [each for each in virtual if not keeps_off(context.cilium.node_terms, each.labels)]
    unlabelled = sorted(each.name for each in sent if not keeps_off(elsewhere(), each.labels))
    late = sorted(each.name for each in sent if installed and each.name not in unlabelled)
    ahead = context.ahead(Milestone.CILIUM_ALONE)
    for names, why, remedy in (
        (unlabelled, "no label tells it from a machine", f"`kubectl label node {' '.join(unlabelled)} "
         "type=virtual-kubelet`"),
        (late, "it joined after Cilium was installed", "leave it as it is: nothing waits for such an agent, and phase "
         "'finalize', which starts every agent anew in any case, keeps them off" if ahead else "nothing waits for such "
         "an agent; cilium.values.affinity.nodeAffinity keeps them off, which starts every agent anew"),
    ):  # fmt: skip
        if names:
            yield Found(
                evidence=f"Cilium's DaemonSet sends agents to virtual nodes ({some(names)}), where none starts: {why}",
                remedy=remedy,
                severity=Severity.WARNING,
            )


@check(
    id="windows-nodes",
    title="No Windows node needs the old network",
    severity=Severity.BLOCKER,
    guards=Milestone.OLD_NETWORK_GONE,
    why=(
        "Windows nodes reach pods of Linux nodes by the old network, and its agents there read the same settings: both "
        "go with the old CNI, and Cilium has no agent for Windows"
    ),
    remedy="stay before the removal of the old CNI for as long as there are Windows nodes, or move their pods "
    "elsewhere first",
)
def windows_nodes(context: Context) -> Iterator[Found]:
    """A finding about Windows nodes on the old network that `cleanup` would remove."""
    windows = sorted(node.name for node in context.snapshot.nodes if node.runs_windows and not node.is_virtual)
    if windows and context.enters(Milestone.OLD_NETWORK_GONE):
        yield Found(
            evidence=f"{many(len(windows), 'Windows node')} ({some(windows)}) on {context.source.title}, which is to go"
        )


@check(
    id="nodes-inspected",
    title="Every node was looked at",
    severity=Severity.NOTE,
    guards=Milestone.BOTH_NETWORKS,
    why="ports, routes, kernel and CNI conf of a node that was NotReady at `preflight` are not known",
    remedy="once it is Ready the next `pulumi up` looks at it",
)
def nodes_inspected(context: Context) -> Iterator[Found]:
    """A finding about nodes that the inspection at `preflight` left out."""
    facts = context.snapshot.facts
    left = sorted(context.snapshot.linux_names - set(facts))
    if facts and left and context.ahead(Milestone.OLD_NETWORK_GONE):
        yield Found(evidence=f"{many(len(left), 'node')} ({some(left)}) not looked at")


@check(
    id="drainable",
    title="Nodes can be drained",
    severity=Severity.BLOCKER,
    guards=Milestone.NODES_MOVE,
    why=(
        "a drain that can never end leaves its node cordoned and half empty; PodDisruptionBudgets without headroom "
        "are the usual reason (kubernetes.io: API-initiated eviction)"
    ),
    remedy="mend what the finding names",
)
def drainable(context: Context) -> Iterator[Found]:
    """Findings about drains that cannot succeed, which are blockers, and about slow ones, which are warnings."""
    settings = context.config.drain
    options = settings
    around = Surroundings(pods=context.snapshot.pods, options=options)
    for node in context.about_to_move:
        if step_of(node) in (TurnStep.DRAINED, TurnStep.SWITCHING):
            continue
        if options.in_place and node.unschedulable:
            yield Found(
                evidence=f"node {node.name} is cordoned, so with drain.inPlace its pods cannot come back to it",
                remedy="uncordon it, or there must be room for them elsewhere",
                severity=Severity.WARNING,
            )
        plan = plan_turn(
            context.snapshot.pods_on(node.name), daemon_sets=context.snapshot.daemon_set_names, options=options
        )
        budgets = budgets_near(plan, context.snapshot.budgets)
        never, slow = ([], []) if options.disable_eviction else budget_findings(plan, budgets)
        for fault in (*plan.refusals, *never):
            yield Found(evidence=f"node {node.name} cannot be drained: {fault.fact}", remedy=fault.remedy)
        for text in (*plan.warnings, *slow):
            yield Found(
                evidence=f"node {node.name}: {text}", remedy="its turn may take longer", severity=Severity.WARNING
            )
        for note in preview_notes(plan, budgets, around):
            yield Found(
                evidence=f"node {node.name}: {note.fact}",
                remedy=note.remedy,
                severity=Severity.NOTE if note.topic is Topic.ONLY_REPLICA else Severity.WARNING,
            )


@check(
    id="marks-kept",
    title="Moved nodes keep their label and marks",
    severity=Severity.WARNING,
    guards=Milestone.NODES_MOVE,
    why=(
        "at its next start the agent of a node without the label gives the CNI conf back to the old network, and what "
        "the stack's state holds is not looked at again by a plain run"
    ),
    remedy="`pulumi up --refresh` mends it; have whoever manages the node's metadata (GitOps, a cloud controller) "
    "leave it alone",
)
def marks_kept(context: Context) -> Iterator[Found]:
    """Findings about migrated nodes that lost their label or their annotations while both networks run."""
    if not context.ahead(Milestone.CILIUM_ALONE):
        return
    wanted, label = set(context.config.nodes), context.strategy.switch_label
    for node in context.snapshot.nodes:
        labelled, step = node.labels.get(label) == "true", step_of(node)
        if node.name in wanted and step is TurnStep.MIGRATED and not labelled:
            yield Found(evidence=f"node {node.name} is migrated, but its label {label}=true was taken off")
        elif node.name in wanted and step is None and labelled:
            yield Found(
                evidence=f"node {node.name} has the label {label}=true, but its annotation {STEP} is missing "
                "or none of ours"
            )


@check(
    id="turns-left-open",
    title="No node's turn was left unfinished",
    severity=Severity.WARNING,
    guards=Milestone.NODES_MOVE,
    why="a node whose turn was interrupted stays cordoned; a run completes the turn only if the node is in a wave",
    remedy="put it into `waves` again, or give it back as the finding says",
)
def turns_left_open(context: Context) -> Iterator[Found]:
    """Findings about nodes in the middle of a turn that are in no wave any more."""
    wanted = set(context.config.nodes)
    for node in context.snapshot.nodes:
        step = step_of(node)
        if step is None or step is TurnStep.MIGRATED or node.name in wanted:
            continue
        switched = bool(node.labels.get(context.strategy.switch_label)) or step in (
            TurnStep.SWITCHING,
            TurnStep.RETURNING,
        )
        yield Found(
            evidence=f"node {node.name} is in the middle of a turn ({step}, since {node.annotations.get(SINCE, '?')}, "
            f"by {node.annotations.get(BY, '?')}) and in no wave",
            remedy="put it into `waves` and run `pulumi up`; once that is through it can be taken out to go back"
            if switched
            else f"its network was not touched: `kubectl uncordon {node.name}` and `kubectl annotate node {node.name} "
            f"{' '.join((f'{STEP}-', f'{CORDONED_BEFORE}-', *release_words(node)))}` give it back, or put it into "
            "`waves` to go on",
        )

"""Checks of the nodes that are about to move, and of what runs on them."""

from collections.abc import Iterator

from components.checks.check import check
from components.checks.context import Context
from components.checks.finding import Found, Severity
from components.checks.words import some
from components.operations.drain_notes import Surroundings, Topic, preview_notes
from components.operations.drain_plan import DrainOptions, budget_findings, budgets_near, plan_turn
from components.operations.hold import release_words
from components.operations.marks import BY, CORDONED_BEFORE, SINCE, STEP, TurnStep, step_of
from components.words import many
from stacks.config_errors import nearest
from stacks.phases import Phase
from stacks.values import MIGRATED_LABEL

# Cilium comes to every node, every agent is started anew, every node is swept.
_ON_EVERY_NODE = (Phase.SECONDARY, Phase.FINALIZE, Phase.CLEANUP)


@check(
    id="nodes-known",
    title="Nodes of the waves exist",
    severity=Severity.BLOCKER,
    phase=Phase.MIGRATE,
    why="a name that was mistyped would be a node that is never moved",
    remedy="correct `waves`",
    gate=True,
)
def nodes_known(context: Context) -> Iterator[Found]:
    """Every node of the waves exists."""
    names = sorted(context.snapshot.node_names)
    free = [name for name in names if name not in context.config.nodes]  # what is in a wave is not what was meant
    for number, wave in enumerate(context.config.waves):
        for position, name in enumerate(wave):
            if name not in context.snapshot.node_names:
                meant = nearest(name, free)
                yield Found(
                    evidence=f"node {name} of the waves is not in the cluster (config waves[{number}][{position}])",
                    remedy=f"remove it from waves if it was deleted; or did you mean {meant}?"
                    if meant
                    else f"remove it from waves; the nodes are {some(names)}",
                )


@check(
    id="nodes-ready",
    title="Nodes are Ready",
    severity=Severity.BLOCKER,
    phase=Phase.SECONDARY,
    why="a node that is NotReady cannot be drained or proved to work, and Cilium does not come up on it",
    remedy="bring it back first",
)
def nodes_ready(context: Context) -> Iterator[Found]:
    """A node that is to move must be Ready; one that merely is there, or is in its turn's restart, is reported."""
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
        acted_on = next((phase for phase in _ON_EVERY_NODE if context.enters(phase)), None)
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
    phase=Phase.MIGRATE,
    why="Cilium's agent runs on Linux nodes alone; Windows nodes and virtual ones keep their own network",
    remedy="take it out of `waves`",
    gate=True,
)
def nodes_linux(context: Context) -> Iterator[Found]:
    """Nodes of the waves that no agent runs on, and the others of that kind, which stay as they are."""
    wanted = set(context.config.nodes)
    others = []
    for node in context.snapshot.nodes:
        if not node.runs_linux and node.name in wanted:
            yield Found(evidence=f"node {node.name} of the waves is no Linux machine, so no agent of Cilium runs on it")
        elif not node.runs_linux:
            others.append(node.name)
    if others:
        yield Found(
            evidence=f"{many(len(others), 'node')} ({some(sorted(others))}) run no Linux and stay on their network",
            remedy="see that pods there reach those on Cilium's network as they need to, and what Cilium's policies "
            "mean for them",
            severity=Severity.WARNING,
        )


@check(
    id="nodes-inspected",
    title="Every node was looked at",
    severity=Severity.NOTE,
    phase=Phase.SECONDARY,
    why="ports, routes, kernel and CNI conf of a node that was NotReady at `preflight` are not known",
    remedy="once it is Ready the next `pulumi up` looks at it",
)
def nodes_inspected(context: Context) -> Iterator[Found]:
    """Nodes of which nothing is known, where others were looked at."""
    facts = context.snapshot.facts
    left = sorted(context.snapshot.linux_names - set(facts))
    if facts and left and context.ahead(Phase.CLEANUP):
        yield Found(evidence=f"{many(len(left), 'node')} ({some(left)}) not looked at")


@check(
    id="drainable",
    title="Nodes can be drained",
    severity=Severity.BLOCKER,
    phase=Phase.MIGRATE,
    why=(
        "a drain that can never end leaves its node cordoned and half empty; PodDisruptionBudgets without headroom "
        "are the usual reason (kubernetes.io: API-initiated eviction)"
    ),
    remedy="mend what the finding names",
)
def drainable(context: Context) -> Iterator[Found]:
    """A drain that can't succeed is refused before it starts; one that may take long is announced."""
    settings = context.config.drain
    options = DrainOptions(**settings.model_dump())
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
        for text in (*plan.refusals, *never):
            fact, _, remedy = text.partition(": ")
            yield Found(evidence=f"node {node.name} cannot be drained: {fact}", remedy=remedy or "mend that")
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
    phase=Phase.MIGRATE,
    why=(
        "at its next start the agent of a node without the label gives the CNI conf back to the old network, and what "
        "the stack's state holds is not looked at again by a plain run"
    ),
    remedy="`pulumi up --refresh` mends it; have whoever manages the node's metadata (GitOps, a cloud controller) "
    "leave it alone",
)
def marks_kept(context: Context) -> Iterator[Found]:
    """The label and the mark of a turn go together for as long as both networks run."""
    if not context.ahead(Phase.FINALIZE):
        return
    wanted = set(context.config.nodes)
    for node in context.snapshot.nodes:
        labelled, step = node.labels.get(MIGRATED_LABEL) == "true", step_of(node)
        if node.name in wanted and step is TurnStep.MIGRATED and not labelled:
            yield Found(evidence=f"node {node.name} is migrated, but its label {MIGRATED_LABEL}=true was taken off")
        elif node.name in wanted and step is None and labelled:
            yield Found(
                evidence=f"node {node.name} has the label {MIGRATED_LABEL}=true, but its annotation {STEP} is missing "
                "or none of ours"
            )


@check(
    id="turns-left-open",
    title="No turn was left half-way",
    severity=Severity.WARNING,
    phase=Phase.MIGRATE,
    why="a node whose turn broke off stays cordoned, and nobody completes it unless it is in a wave",
    remedy="put it into `waves` again, or give it back as the finding says",
)
def turns_left_open(context: Context) -> Iterator[Found]:
    """A turn that was begun and is in no wave any more is said aloud."""
    wanted = set(context.config.nodes)
    for node in context.snapshot.nodes:
        step = step_of(node)
        if step is None or step is TurnStep.MIGRATED or node.name in wanted:
            continue
        switched = bool(node.labels.get(MIGRATED_LABEL)) or step in (TurnStep.SWITCHING, TurnStep.RETURNING)
        yield Found(
            evidence=f"node {node.name} is in the middle of a turn ({step}, since {node.annotations.get(SINCE, '?')}, "
            f"by {node.annotations.get(BY, '?')}) and in no wave",
            remedy="put it into `waves` and run `pulumi up`; once that is through it can be taken out to go back"
            if switched
            else f"its network was not touched: `kubectl uncordon {node.name}` and `kubectl annotate node {node.name} "
            f"{' '.join((f'{STEP}-', f'{CORDONED_BEFORE}-', *release_words(node)))}` give it back, or put it into "
            "`waves` to go on",
        )

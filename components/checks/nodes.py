"""Checks of the nodes that are about to move, and of what runs on them."""

from collections.abc import Iterator

from components.checks.finding import Context, Finding, Severity
from components.operations.drain_notes import Surroundings, Topic, preview_notes
from components.operations.drain_plan import DrainOptions, budget_findings, plan_turn
from components.operations.marks import BY, CORDONED_BEFORE, SINCE, STEP, TurnStep, step_of
from stacks.phases import Phase
from stacks.values import MIGRATED_LABEL


def nodes_known(context: Context) -> Iterator[Finding]:
    """Every node of the waves exists."""
    for name in context.config.nodes:
        if name not in context.snapshot.node_names:
            yield Finding(
                evidence=f"node {name} of the waves is not in the cluster",
                remedy=f"remove it from waves; the nodes are {', '.join(sorted(context.snapshot.node_names))}",
            )


def nodes_ready(context: Context) -> Iterator[Finding]:
    """A node that is to move must be Ready; one that merely is there, or is in its turn's restart, is reported."""
    moving = {node.name for node in context.about_to_move}
    for node in context.snapshot.nodes:
        if node.ready:
            continue
        if step_of(node) in (TurnStep.SWITCHING, TurnStep.RETURNING):
            yield Finding(
                evidence=f"node {node.name} is NotReady in the middle of its turn",
                remedy="it may be in its restart: the run waits for it",
                severity=Severity.WARNING,
            )
            continue
        first = context.enters(Phase.SECONDARY) and context.config.phase.includes(Phase.SECONDARY)
        blocks = node.name in moving or first
        yield Finding(
            evidence=f"node {node.name} is NotReady",
            remedy="bring it back first" if blocks else "it does not block the others, but look at it",
            severity=Severity.BLOCKER if blocks else Severity.WARNING,
        )


def drainable(context: Context) -> Iterator[Finding]:
    """A drain that can't succeed is refused before it starts; one that may take long is announced."""
    settings = context.config.drain
    options = DrainOptions(**settings.model_dump())
    around = Surroundings(
        nodes=context.snapshot.nodes,
        pods=context.snapshot.pods,
        volumes=context.snapshot.pinned_volumes,
        options=options,
    )
    for node in context.about_to_move:
        if step_of(node) in (TurnStep.DRAINED, TurnStep.SWITCHING):
            continue
        if options.in_place and node.unschedulable:
            yield Finding(
                evidence=f"node {node.name} is cordoned, so with drain.inPlace its pods cannot come back to it",
                remedy="uncordon it, or there must be room for them elsewhere",
                severity=Severity.WARNING,
            )
        plan = plan_turn(
            context.snapshot.pods_on(node.name), daemon_sets=context.snapshot.daemon_set_names, options=options
        )
        never, slow = ([], []) if options.disable_eviction else budget_findings(plan, context.snapshot.budgets)
        for text in (*plan.refusals, *never):
            fact, _, remedy = text.partition(": ")
            yield Finding(evidence=f"node {node.name} cannot be drained: {fact}", remedy=remedy or "mend that")
        for text in (*plan.warnings, *slow):
            yield Finding(
                evidence=f"node {node.name}: {text}", remedy="its turn may take longer", severity=Severity.WARNING
            )
        for note in preview_notes(plan, context.snapshot.budgets, around):
            yield Finding(
                evidence=f"node {node.name}: {note.fact}",
                remedy=note.remedy,
                severity=Severity.NOTE if note.topic is Topic.ONLY_REPLICA else Severity.WARNING,
            )


def turns_left_open(context: Context) -> Iterator[Finding]:
    """A turn that was begun and is in no wave any more is said aloud."""
    wanted = set(context.config.nodes)
    for node in context.snapshot.nodes:
        step = step_of(node)
        if step is None or step is TurnStep.MIGRATED or node.name in wanted:
            continue
        switched = bool(node.labels.get(MIGRATED_LABEL)) or step in (TurnStep.SWITCHING, TurnStep.RETURNING)
        yield Finding(
            evidence=f"node {node.name} is in the middle of a turn ({step}, since {node.annotations.get(SINCE, '?')}, "
            f"by {node.annotations.get(BY, '?')}) and in no wave",
            remedy="put it into `waves` and run `pulumi up`; once that is through it can be taken out to go back"
            if switched
            else f"its network was not touched: `kubectl uncordon {node.name}` and `kubectl annotate node {node.name} "
            f"{STEP}- {CORDONED_BEFORE}-` give it back, or put it into `waves` to go on",
            severity=Severity.WARNING,
        )

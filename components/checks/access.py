"""Checks of what must be there before anything else is asked: rights, and what the user names."""

from collections.abc import Iterator

from components.checks.check import check
from components.checks.context import Context
from components.checks.finding import Found, Severity
from components.operations.marks import TurnStep, step_of
from components.operations.permission_table import Purpose
from stacks.phases import Phase


@check(
    id="permissions",
    title="The user may do what a migration does",
    severity=Severity.BLOCKER,
    phase=Phase.PREFLIGHT,
    why="a right that is missing shows only when it is used, with a node drained and its turn half-way",
    remedy="give the user of the kubeconfig these rights, as docs/rbac has them for each phase, or use another one",
)
def permissions(context: Context) -> Iterator[Found]:
    """Everything that the API server would deny, at once: what this run needs, and what later phases will."""
    config, reached = context.config, context.reached
    granted = reached is Phase.CLEANUP or not config.phase.includes(Phase.SECONDARY)
    now, later, look = list[str](), list[str](), list[str]()
    for need in context.snapshot.denied:
        if need.purpose is Purpose.LOOK:
            look.append(need.title)
        elif not config.phase.includes(need.phase):
            later.append(need.title)
        elif need.purpose is Purpose.WORK or not granted:
            now.append(need.title)
    if now:
        yield Found(evidence=f"the user of the kubeconfig may not: {'; '.join(now)}")
    if later:
        yield Found(
            evidence=f"the user of the kubeconfig may not: {'; '.join(later)}",
            remedy=f"phases after '{config.phase}' need these; docs/rbac has a role for each phase",
            severity=Severity.WARNING,
        )
    if look:
        yield Found(
            evidence=f"the user of the kubeconfig may not: {'; '.join(look)}",
            remedy="checks of these are silent without it",
            severity=Severity.WARNING,
        )


@check(
    id="required-workloads",
    title="What you require is there",
    severity=Severity.BLOCKER,
    phase=Phase.SECONDARY,
    why="`preflight.required` and `preflight.watched` name what the cluster's owner will not move without",
    remedy="bring it back, or take it out of preflight.required",
)
def required_workloads(context: Context) -> Iterator[Found]:
    """Required workloads that are not ready; in the middle of a turn that may be the turn's own doing."""
    steps = [step_of(node) for node in context.snapshot.nodes]
    turning = any(step not in (None, TurnStep.MIGRATED) for step in steps)
    for name, trouble in sorted(context.snapshot.not_ready.items()):
        key = "preflight.required" if name in context.config.preflight.required else "preflight.watched"
        yield Found(
            evidence=f"{name} {trouble}, and {key} names it",
            remedy=f"bring it back, or take it out of {key}",
            severity=Severity.WARNING if turning else Severity.BLOCKER,
        )

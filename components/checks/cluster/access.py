"""Checks of API permissions and of the workloads that you require."""

from collections.abc import Iterator

from components.checks.framework.check import check
from components.checks.framework.context import Context
from components.checks.framework.finding import Found, Severity
from components.operations.rights.permission_table import Purpose
from components.operations.turn_annotations import TurnStep, step_of
from stacks.strategies import Milestone


@check(
    id="permissions",
    title="The user may do what a migration does",
    severity=Severity.BLOCKER,
    guards=Milestone.BEFORE_CILIUM,
    why="a right that is missing shows only when it is used, with a node drained and its turn half-way",
    remedy="give the user of the kubeconfig these rights, as docs/rbac has them for each phase, or use another one",
)
def permissions(context: Context) -> Iterator[Found]:
    """Findings about missing permissions, all at once: those that this run needs and those of later phases."""
    config, reached = context.config, context.reached
    granted = reached is Milestone.OLD_NETWORK_GONE or not config.reaches(Milestone.BOTH_NETWORKS)
    now, later, look = list[str](), list[str](), list[str]()
    for need in context.snapshot.denied:
        if need.purpose is Purpose.LOOK:
            look.append(need.title)
        elif not config.reaches(need.milestone):
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
    title="Required workloads are ready",
    severity=Severity.BLOCKER,
    guards=Milestone.BOTH_NETWORKS,
    why="`preflight.required` and `preflight.watched` name workloads without which you do not want nodes to move",
    remedy="bring it back, or take it out of preflight.required",
)
def required_workloads(context: Context) -> Iterator[Found]:
    """Findings about required workloads that are not ready; during a node's turn the turn itself may be the cause."""
    steps = [step_of(node) for node in context.snapshot.nodes]
    turning = any(step not in (None, TurnStep.MIGRATED) for step in steps)
    for name, trouble in sorted(context.snapshot.not_ready.items()):
        key = "preflight.required" if name in context.config.preflight.required else "preflight.watched"
        yield Found(
            evidence=f"{name} {trouble}, and {key} names it",
            remedy=f"bring it back, or take it out of {key}",
            severity=Severity.WARNING if turning else Severity.BLOCKER,
        )

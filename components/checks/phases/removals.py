"""A check of the objects that `cleanup.remove` deletes together with the old CNI."""

from collections.abc import Iterator

from components.checks.framework.check import check
from components.checks.framework.context import Context
from components.checks.framework.finding import Found, Severity
from stacks.strategies import Milestone


@check(
    id="cleanup-removals",
    title="What goes with the old CNI may go",
    severity=Severity.BLOCKER,
    guards=Milestone.OLD_NETWORK_GONE,
    why="`cleanup.remove` is beyond the point of no return: what Cilium or this program needs may not be in it",
    remedy="take it out of cleanup.remove",
    gate=True,
)
def cleanup_removals(context: Context) -> Iterator[Found]:
    """Findings about objects that must stay (blockers in any phase), those that will go, and those not there."""
    removals = context.snapshot.removals
    for each in removals:
        if each.kept_for:
            yield Found(evidence=f"cleanup.remove names {each.title}, which is {each.kept_for} and must stay")
    going = [each for each in removals if each.there and not each.kept_for]
    if not context.enters(Milestone.OLD_NETWORK_GONE):
        return
    if going:
        names = ", ".join(f"{each.title} with {each.within}" if each.within else each.title for each in going)
        yield Found(
            evidence=f"together with {context.source.title} go {names}",
            remedy="there is no way back for these either",
            severity=Severity.WARNING,
        )
    absent = [each.title for each in removals if not each.there and not each.kept_for]
    if absent:
        yield Found(
            evidence=f"cleanup.remove names {', '.join(absent)}, which the cluster does not have",
            remedy="nothing, if it is gone already; see that it is written rightly",
            severity=Severity.NOTE,
        )

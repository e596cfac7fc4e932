"""Notes for the user before a node is drained: pods that will be missed, or take long to end."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from components.operations.draining.drain_plan import DrainPlan, Left
from components.operations.objects.model import Budget, Pod
from stacks.sections.node import DrainSettings
from stacks.sections.seconds import MOST_SECONDS


class Topic(StrEnum):
    """The topic of a note."""

    ONLY_REPLICA = "only replica"
    SLOW_END = "slow to end"
    ONE_AT_A_TIME = "one at a time"
    NOT_SELECTED = "not selected"
    NOT_READY = "not Ready"
    WISHES_TO_STAY = "wishes to stay"


@dataclass(frozen=True, kw_only=True)
class DrainNote:
    """One note on a node's drain: a fact and its remedy."""

    topic: Topic
    fact: str
    remedy: str


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """The cluster's state beyond the node's own pods, as far as it matters for a drain."""

    pods: Sequence[Pod] = ()
    options: DrainSettings = field(default_factory=DrainSettings)

    @cached_property
    def alive(self) -> Counter[tuple[str, str]]:
        """The number of pods of each workload that are not terminating, by namespace and workload."""
        pods = (pod for pod in self.pods if not pod.finished and not pod.terminating_since)
        return Counter((pod.namespace, pod.workload) for pod in pods)


def preview_notes(plan: DrainPlan, budgets: Sequence[Budget], around: Surroundings) -> list[DrainNote]:
    """Every note on one node's plan, in the order of the topics."""
    return [
        *_only_replicas(plan, around),
        *_slow_ends(plan, around.options),
        *([] if around.options.disable_eviction else _one_at_a_time(plan, budgets)),
        *_not_selected(plan),
        *_not_ready(plan),
        *_wish_to_stay(plan),
    ]


def _only_replicas(plan: DrainPlan, around: Surroundings) -> list[DrainNote]:
    return [
        DrainNote(
            topic=Topic.ONLY_REPLICA,
            fact=f"pod {pod.title} is the only replica of {pod.workload}",
            remedy="it is away until its replacement is Ready; scale it to two for the move if it may not be",
        )
        for pod in plan.evict
        if pod.controller and not pod.finished and pod.controller.kind != "Job"
        if around.alive[pod.namespace, pod.workload] == 1
    ]


def _slow_ends(plan: DrainPlan, options: DrainSettings) -> list[DrainNote]:
    """Notes on pods that may take longer to end than the drain waits, or have been terminating for long."""
    notes = []
    for pod in plan.evict:
        own, given = pod.demand.grace_seconds, options.grace_period_seconds
        grace = own if given is None else given
        if pod.terminating_since and pod.finalizers:
            notes.append(
                DrainNote(
                    topic=Topic.SLOW_END,
                    fact=f"pod {pod.title} is terminating since {pod.terminating_since}, held by finalizers "
                    + ", ".join(pod.finalizers),
                    remedy=f"the drain waits {options.timeout_seconds:.0f} s for it and then fails: see to whoever "
                    "should take them off, or set drain.skipWaitForDeleteSeconds",
                )
            )
        elif grace >= options.timeout_seconds and not pod.finished:
            longer = f"drain.timeoutSeconds above {grace} or " if grace < MOST_SECONDS else ""
            notes.append(
                DrainNote(
                    topic=Topic.SLOW_END,
                    fact=f"pod {pod.title} may take {grace} s to end "
                    f"({'terminationGracePeriodSeconds' if given is None else 'drain.gracePeriodSeconds'}), and the "
                    f"drain waits {options.timeout_seconds:.0f} s",
                    remedy=f"if it takes as long, the drain fails with the node cordoned: set {longer}"
                    "drain.gracePeriodSeconds to what it needs",
                )
            )
    return notes


def _one_at_a_time(plan: DrainPlan, budgets: Sequence[Budget]) -> list[DrainNote]:
    notes = []
    for budget in budgets:
        guarded = sum(budget.guards(pod) for pod in plan.evict)
        if 0 < budget.disruptions_allowed < guarded:
            notes.append(
                DrainNote(
                    topic=Topic.ONE_AT_A_TIME,
                    fact=f"budget {budget.namespace}/{budget.name} lets {budget.disruptions_allowed} of its {guarded} "
                    "pods on the node go at once",
                    remedy="the others follow as their replacements become Ready elsewhere",
                )
            )
    return notes


def _not_selected(plan: DrainPlan) -> list[DrainNote]:
    """Notes on data that is lost when pods outside drain.podSelector are renewed in place."""
    notes = []
    for pod, reason in plan.leave:
        if reason is not Left.NOT_SELECTED or pod.mirror or not pod.on_pod_network:
            continue
        losses = [f"emptyDir {', '.join(pod.empty_dirs)}"] if pod.empty_dirs else []
        if pod.controller is None:
            losses.append("the pod itself, which has no controller")
        if losses:
            notes.append(
                DrainNote(
                    topic=Topic.NOT_SELECTED,
                    fact=f"pod {pod.title} is outside drain.podSelector: it is not evicted, but goes when the node's "
                    f"pods are renewed, and with it {' and '.join(losses)}",
                    remedy="move it yourself before, or let drain.podSelector select it",
                )
            )
    return notes


def _not_ready(plan: DrainPlan) -> list[DrainNote]:
    """Notes on pods that a drain leaves and that are not Ready now: they are renewed, but not waited for."""
    return [
        DrainNote(
            topic=Topic.NOT_READY,
            fact=f"pod {pod.title} ({pod.workload}) is not Ready",
            remedy="it is renewed, but its turn does not wait for it; mend it first if it matters",
        )
        for pod, _ in plan.leave
        if pod.on_pod_network and not pod.ready and not pod.finished and not pod.mirror
    ]


def _wish_to_stay(plan: DrainPlan) -> list[DrainNote]:
    """Notes on pods with annotations against eviction: autoscalers honour them, a drain does not."""
    return [
        DrainNote(
            topic=Topic.WISHES_TO_STAY,
            fact=f"pod {pod.title} ({pod.workload}) is marked {' and '.join(pod.stays)}, which no drain heeds",
            remedy="it is evicted all the same: let it end first, or see that it may be interrupted",
        )
        for pod in plan.evict
        if pod.stays and not pod.finished
    ]

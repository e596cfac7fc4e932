"""The plan of a node's drain, as a pure function with kubectl's filters: pods to evict, to leave, and refusals."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from components.names import NAMESPACES
from components.operations.objects.model import Budget, Pod
from stacks.notation.labels import parse_selector, selects
from stacks.sections.node import DrainSettings


class Left(StrEnum):
    """The reason for which a drain leaves a pod where it is."""

    NOT_SELECTED = "not selected by drain.podSelector"
    OURS = "this program's own"
    LONG_TERMINATING = "terminating for longer than drain.skipWaitForDeleteSeconds"
    STATIC = "static pod"
    DAEMON_SET = "DaemonSet pod"


@dataclass(frozen=True, kw_only=True)
class DrainFault:
    """One thing that forbids a drain: the fact, and what to do about it."""

    fact: str
    remedy: str

    @property
    def line(self) -> str:
        """Both in one line."""
        return f"{self.fact}: {self.remedy}"


@dataclass(frozen=True, kw_only=True)
class DrainPlan:
    """The pods to evict, those that stay with the reason, and the refusals, any of which forbids the drain."""

    evict: tuple[Pod, ...]
    leave: tuple[tuple[Pod, Left], ...]
    refusals: tuple[DrainFault, ...]
    warnings: tuple[str, ...]

    def by_workload(self) -> str:
        """The pods to evict, counted by workload: `Deployment web ×2, StatefulSet store ×1`."""
        counts = Counter(pod.workload for pod in self.evict)
        return ", ".join(f"{name} ×{count}" for name, count in sorted(counts.items())) or "no pods"


def age_of_deletion(pod: Pod, now: datetime) -> float:
    """Seconds since a terminating pod's grace period ended, negative until then."""
    return (now - datetime.fromisoformat(pod.terminating_since.replace("Z", "+00:00"))).total_seconds()


def no_longer_awaited(pod: Pod, *, options: DrainSettings, now: datetime) -> bool:
    """True if the pod has been terminating for longer than the options let a drain wait; whole seconds, as kubectl."""
    if not pod.terminating_since or not options.skip_wait_for_delete_seconds:
        return False
    return int(age_of_deletion(pod, now)) > options.skip_wait_for_delete_seconds


def plan_drain(
    pods: Sequence[Pod],
    *,
    daemon_sets: Collection[tuple[str, str]],
    options: DrainSettings,
    now: datetime | None = None,
) -> DrainPlan:
    """Sort the pods of one node; `daemon_sets` are the (namespace, name) that exist.

    The filters and their order are those of k8s.io/kubectl/pkg/drain, DaemonSet pods and ours always being left alone.
    """
    moment = now or datetime.now(UTC)
    selector = parse_selector(options.pod_selector)
    evict: list[Pod] = []
    leave: list[tuple[Pod, Left]] = []
    refusals: list[DrainFault] = []
    warnings: list[str] = []
    for pod in sorted(pods, key=lambda each: (each.namespace, each.name)):
        if not selects(selector, pod.labels):
            leave.append((pod, Left.NOT_SELECTED))
        elif pod.namespace in NAMESPACES and pod.controller is None:
            # A killed run left it: it is replaced when the next one needs such a pod, and must not stand in its way.
            leave.append((pod, Left.OURS))
        elif no_longer_awaited(pod, options=options, now=moment):
            leave.append((pod, Left.LONG_TERMINATING))
        elif pod.finished:
            leave.append((pod, Left.STATIC)) if pod.mirror else evict.append(pod)
        elif (pod.namespace, _daemon_set(pod)) in daemon_sets:
            leave.append((pod, Left.DAEMON_SET))
        elif _daemon_set(pod) and not options.force:
            refusals.append(
                DrainFault(
                    fact=f"pod {pod.title} belongs to DaemonSet {_daemon_set(pod)}, which does not exist",
                    remedy="delete the pod, or set drain.force",
                )
            )
        elif pod.mirror:
            leave.append((pod, Left.STATIC))
        else:
            faults, cautions = _losses(pod, options)
            refusals += faults
            if not faults:
                warnings += cautions
                evict.append(pod)
    return DrainPlan(evict=tuple(evict), leave=tuple(leave), refusals=tuple(refusals), warnings=tuple(warnings))


def plan_turn(pods: Sequence[Pod], *, daemon_sets: Collection[tuple[str, str]], options: DrainSettings) -> DrainPlan:
    """The plan of a node's turn: that of a drain or, in place, only of pods whose address changes."""
    if options.in_place:
        pods = [pod for pod in pods if pod.on_pod_network and not pod.finished]
    return plan_drain(pods, daemon_sets=daemon_sets, options=options)


def _daemon_set(pod: Pod) -> str:
    return pod.controller.name if pod.controller and pod.controller.is_daemon_set else ""


def _losses(pod: Pod, options: DrainSettings) -> tuple[list[DrainFault], list[str]]:
    """Data and pods that an eviction would destroy for good: (faults that the options forbid, cautions)."""
    faults, cautions = list[DrainFault](), list[str]()
    if pod.empty_dirs and not options.delete_empty_dir_data:
        faults.append(
            DrainFault(
                fact=f"pod {pod.title} keeps data in emptyDir {', '.join(pod.empty_dirs)}, which a drain deletes",
                remedy="set drain.deleteEmptyDirData if that data may go",
            )
        )
    if pod.controller is None and not options.force:
        faults.append(
            DrainFault(
                fact=f"pod {pod.title} has no controller, so nothing re-creates it",
                remedy="move it yourself, or set drain.force",
            )
        )
    elif pod.controller is None:
        cautions.append(f"pod {pod.title} has no controller: nothing re-creates it")
    elif _daemon_set(pod):
        cautions.append(f"pod {pod.title}: its DaemonSet {_daemon_set(pod)} is gone, nothing re-creates it")
    return faults, cautions


def budgets_near(plan: DrainPlan, budgets: Sequence[Budget]) -> list[Budget]:
    """The budgets in namespaces of evicted pods, a small part of a large cluster's."""
    namespaces = {pod.namespace for pod in plan.evict}
    return [budget for budget in budgets if budget.namespace in namespaces]


def budget_findings(plan: DrainPlan, budgets: Sequence[Budget]) -> tuple[list[DrainFault], list[str]]:
    """Findings about budgets of the pods to evict: (evictions that can never succeed, those that may take long)."""
    never, slow = list[DrainFault](), list[str]()
    blocking: dict[str, Budget] = {}
    for pod in plan.evict:
        covering = [budget for budget in budgets if budget.covers(pod)]
        if len(covering) > 1 and not pod.past_budgets:
            names = ", ".join(budget.name for budget in covering)
            never.append(
                DrainFault(
                    fact=f"pod {pod.title} is under {len(covering)} budgets ({names})",
                    remedy="the API refuses every eviction of it; leave it one budget",
                )
            )
        blocking.update({f"{each.namespace}/{each.name}": each for each in covering if each.guards(pod)})
    for title, budget in blocking.items():
        if not budget.counted:
            slow.append(f"budget {title} has not been counted since it was changed: evictions wait until it has")
        elif budget.disruptions_allowed > 0:
            continue
        elif budget.failure:
            never.append(
                DrainFault(
                    fact=f"budget {title} cannot be counted ({budget.failure})",
                    remedy="mend it, until then nothing is evicted",
                )
            )
        elif budget.desired_healthy >= budget.expected_pods > 0:
            rule = f" ({budget.rule})" if budget.rule else ""
            remedy = "loosen it for the time of the move" if budget.forbids_any else "add a replica, or loosen it"
            never.append(
                DrainFault(
                    fact=f"{budget.numbers} of {budget.expected_pods}{rule}",
                    remedy=f"no eviction can ever succeed; {remedy}",
                )
            )
        else:
            slow.append(f"{budget.numbers}: evictions wait until a replica more is healthy")
    return never, slow

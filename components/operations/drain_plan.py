"""Which pods of a node a drain evicts, leaves or refuses to touch: kubectl's filters, as a pure function."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from components.operations.model import Budget, Pod


@dataclass(frozen=True, kw_only=True)
class DrainOptions:
    """How to drain; the names and meanings are those of `kubectl drain` where it has them. Times in seconds."""

    timeout_seconds: float = 600
    grace_period_seconds: int | None = None
    force: bool = False
    delete_empty_dir_data: bool = False
    disable_eviction: bool = False
    skip_wait_for_delete_seconds: float = 0
    wait_for_replacements: bool = True
    replacements_timeout_seconds: float = 300


@dataclass(frozen=True, kw_only=True)
class DrainPlan:
    """The pods to evict, what stays with the reason, and what forbids the drain as a whole."""

    evict: tuple[Pod, ...]
    leave: tuple[tuple[Pod, str], ...]
    refusals: tuple[str, ...]
    warnings: tuple[str, ...]

    def by_workload(self) -> str:
        """The pods to evict, counted by workload: `Deployment web ×2, StatefulSet store ×1`."""
        counts = Counter(pod.workload for pod in self.evict)
        return ", ".join(f"{name} ×{count}" for name, count in sorted(counts.items())) or "no pods"


def _age_of_deletion(pod: Pod, now: datetime) -> float:
    since = datetime.fromisoformat(pod.terminating_since.replace("Z", "+00:00"))
    return (now - since).total_seconds()


def plan_drain(
    pods: Sequence[Pod], *, daemon_sets: Collection[tuple[str, str]], options: DrainOptions, now: datetime | None = None
) -> DrainPlan:
    """Sort the pods of one node; `daemon_sets` are the (namespace, name) that exist.

    The filters and their order are those of k8s.io/kubectl/pkg/drain, with DaemonSet pods always left alone.
    """
    moment = now or datetime.now(UTC)
    evict: list[Pod] = []
    leave: list[tuple[Pod, str]] = []
    refusals: list[str] = []
    warnings: list[str] = []
    for pod in sorted(pods, key=lambda each: (each.namespace, each.name)):
        skip_after = options.skip_wait_for_delete_seconds
        if pod.terminating_since and skip_after and _age_of_deletion(pod, moment) > skip_after:
            leave.append((pod, f"terminating for more than {skip_after:.0f} s"))
        elif pod.mirror:
            leave.append((pod, "static pod"))
        elif pod.controller and pod.controller.kind == "DaemonSet" and not pod.finished:
            if (pod.namespace, pod.controller.name) in daemon_sets:
                leave.append((pod, "DaemonSet pod"))
            elif options.force:
                warnings.append(f"pod {pod.title}: its DaemonSet {pod.controller.name} is gone, nothing re-creates it")
                evict.append(pod)
            else:
                refusals.append(
                    f"pod {pod.title} belongs to DaemonSet {pod.controller.name}, which does not exist: "
                    "delete the pod, or set drain.force"
                )
        elif pod.finished:
            evict.append(pod)
        else:
            faults = []
            if pod.empty_dirs and not options.delete_empty_dir_data:
                faults.append(
                    f"pod {pod.title} keeps data in emptyDir {', '.join(pod.empty_dirs)}, which a drain deletes: "
                    "set drain.deleteEmptyDirData if that data may go"
                )
            if pod.controller is None and not options.force:
                faults.append(
                    f"pod {pod.title} has no controller, so nothing re-creates it: move it yourself, or set drain.force"
                )
            elif pod.controller is None:
                warnings.append(f"pod {pod.title} has no controller: nothing re-creates it")
            refusals += faults
            if not faults:
                evict.append(pod)
    return DrainPlan(evict=tuple(evict), leave=tuple(leave), refusals=tuple(refusals), warnings=tuple(warnings))


def budget_findings(plan: DrainPlan, budgets: Sequence[Budget]) -> tuple[list[str], list[str]]:
    """What the budgets say of the pods to evict: (what can never succeed, what may take long)."""
    never, slow = [], []
    touched: dict[str, Budget] = {}
    for pod in plan.evict:
        covering = [budget for budget in budgets if budget.covers(pod)]
        if len(covering) > 1:
            names = ", ".join(budget.name for budget in covering)
            never.append(
                f"pod {pod.title} is under {len(covering)} budgets ({names}): the API refuses every eviction of it; "
                "leave it one budget"
            )
        for budget in covering:
            touched[f"{budget.namespace}/{budget.name}"] = budget
    for budget in touched.values():
        if budget.disruptions_allowed == 0 and budget.current_healthy <= budget.desired_healthy >= budget.expected_pods:
            never.append(f"{budget.numbers} of {budget.expected_pods}: no eviction can ever succeed; add a replica")
        elif budget.disruptions_allowed == 0:
            slow.append(f"{budget.numbers}: evictions wait until a replica more is healthy")
    return never, slow

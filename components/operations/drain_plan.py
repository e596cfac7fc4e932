"""Which pods of a node a drain evicts, leaves or refuses to touch: kubectl's filters, as a pure function."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from components.names import NAMESPACE
from components.operations.model import Budget, Pod
from stacks.labels import parse_selector, selects

NOT_SELECTED = "not selected by drain.podSelector"


@dataclass(frozen=True, kw_only=True)
class DrainOptions:
    """How to drain; the names and meanings are those of `kubectl drain` where it has them. Times in seconds."""

    timeout_seconds: float = 600
    grace_period_seconds: int | None = None
    pod_selector: str = ""
    force: bool = False
    delete_empty_dir_data: bool = False
    disable_eviction: bool = False
    skip_wait_for_delete_seconds: float = 0
    wait_for_replacements: bool = True
    replacements_timeout_seconds: float = 300
    in_place: bool = False


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


def age_of_deletion(pod: Pod, now: datetime) -> float:
    """Seconds since a terminating pod's grace period ended, negative until then."""
    return (now - datetime.fromisoformat(pod.terminating_since.replace("Z", "+00:00"))).total_seconds()


def no_longer_awaited(pod: Pod, *, options: DrainOptions, now: datetime) -> bool:
    """Whether the pod has been terminating for longer than the options let a drain wait; whole seconds, as kubectl."""
    if not pod.terminating_since or not options.skip_wait_for_delete_seconds:
        return False
    return int(age_of_deletion(pod, now)) > options.skip_wait_for_delete_seconds


def plan_drain(
    pods: Sequence[Pod], *, daemon_sets: Collection[tuple[str, str]], options: DrainOptions, now: datetime | None = None
) -> DrainPlan:
    """Sort the pods of one node; `daemon_sets` are the (namespace, name) that exist.

    The filters and their order are those of k8s.io/kubectl/pkg/drain, DaemonSet pods and ours always being left alone.
    """
    moment = now or datetime.now(UTC)
    selector = parse_selector(options.pod_selector)
    evict: list[Pod] = []
    leave: list[tuple[Pod, str]] = []
    refusals: list[str] = []
    warnings: list[str] = []
    for pod in sorted(pods, key=lambda each: (each.namespace, each.name)):
        if not selects(selector, pod.labels):
            leave.append((pod, NOT_SELECTED))
        elif pod.namespace == NAMESPACE and pod.controller is None:
            # A killed run left it: it is replaced when the next one needs such a pod, and must not stand in its way.
            leave.append((pod, "this program's own"))
        elif no_longer_awaited(pod, options=options, now=moment):
            leave.append((pod, f"terminating for more than {options.skip_wait_for_delete_seconds:.0f} s"))
        elif pod.finished:
            leave.append((pod, "static pod")) if pod.mirror else evict.append(pod)
        elif (pod.namespace, _daemon_set(pod)) in daemon_sets:
            leave.append((pod, "DaemonSet pod"))
        elif _daemon_set(pod) and not options.force:
            refusals.append(
                f"pod {pod.title} belongs to DaemonSet {_daemon_set(pod)}, which does not exist: "
                "delete the pod, or set drain.force"
            )
        elif pod.mirror:
            leave.append((pod, "static pod"))
        else:
            faults, cautions = _losses(pod, options)
            refusals += faults
            if not faults:
                warnings += cautions
                evict.append(pod)
    return DrainPlan(evict=tuple(evict), leave=tuple(leave), refusals=tuple(refusals), warnings=tuple(warnings))


def plan_turn(pods: Sequence[Pod], *, daemon_sets: Collection[tuple[str, str]], options: DrainOptions) -> DrainPlan:
    """What a node's turn evicts: as a drain does; in place, only what has an address to change."""
    if options.in_place:
        pods = [pod for pod in pods if pod.on_pod_network and not pod.finished]
    return plan_drain(pods, daemon_sets=daemon_sets, options=options)


def _daemon_set(pod: Pod) -> str:
    return pod.controller.name if pod.controller and pod.controller.is_daemon_set else ""


def _losses(pod: Pod, options: DrainOptions) -> tuple[list[str], list[str]]:
    """What an eviction would destroy for good: (what the options forbid, what they accept)."""
    faults, cautions = [], []
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
        cautions.append(f"pod {pod.title} has no controller: nothing re-creates it")
    elif _daemon_set(pod):
        cautions.append(f"pod {pod.title}: its DaemonSet {_daemon_set(pod)} is gone, nothing re-creates it")
    return faults, cautions


def budgets_near(plan: DrainPlan, budgets: Sequence[Budget]) -> list[Budget]:
    """Those of the namespaces that something is evicted from: of a large cluster's budgets, few."""
    namespaces = {pod.namespace for pod in plan.evict}
    return [budget for budget in budgets if budget.namespace in namespaces]


def budget_findings(plan: DrainPlan, budgets: Sequence[Budget]) -> tuple[list[str], list[str]]:
    """What the budgets say of the pods to evict: (what can never succeed, what may take long)."""
    never, slow = [], []
    blocking: dict[str, Budget] = {}
    for pod in plan.evict:
        covering = [budget for budget in budgets if budget.covers(pod)]
        if len(covering) > 1 and not pod.past_budgets:
            names = ", ".join(budget.name for budget in covering)
            never.append(
                f"pod {pod.title} is under {len(covering)} budgets ({names}): the API refuses every eviction of it; "
                "leave it one budget"
            )
        blocking.update({f"{each.namespace}/{each.name}": each for each in covering if each.guards(pod)})
    for title, budget in blocking.items():
        if not budget.counted:
            slow.append(f"budget {title} has not been counted since it was changed: evictions wait until it has")
        elif budget.disruptions_allowed > 0:
            continue
        elif budget.failure:
            never.append(f"budget {title} cannot be counted ({budget.failure}): mend it, until then nothing is evicted")
        elif budget.desired_healthy >= budget.expected_pods > 0:
            rule = f" ({budget.rule})" if budget.rule else ""
            remedy = "loosen it for the time of the move" if budget.forbids_any else "add a replica, or loosen it"
            never.append(f"{budget.numbers} of {budget.expected_pods}{rule}: no eviction can ever succeed; {remedy}")
        else:
            slow.append(f"{budget.numbers}: evictions wait until a replica more is healthy")
    return never, slow

"""What an operator should know before a node is drained: pods that will be missed, or have nowhere to go."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from components.operations.drain_plan import NOT_SELECTED, DrainOptions, DrainPlan
from components.operations.model import Budget, Node, PinnedVolume, Pod


class Topic(StrEnum):
    """What a note is about."""

    ONLY_REPLICA = "only replica"
    PINNED = "pinned to the node"
    HOST_PORT = "host port"
    ONE_AT_A_TIME = "one at a time"
    NOT_SELECTED = "not selected"
    NOT_READY = "not Ready"


@dataclass(frozen=True, kw_only=True)
class DrainNote:
    """One thing to know of a node's drain: the fact and what to do about it."""

    topic: Topic
    fact: str
    remedy: str


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What there is besides the node's own pods: everything of the cluster that bears on its drain."""

    nodes: Sequence[Node] = ()
    pods: Sequence[Pod] = ()
    volumes: Sequence[PinnedVolume] = ()
    options: DrainOptions = field(default_factory=DrainOptions)

    @cached_property
    def alive(self) -> Counter[tuple[str, str]]:
        """How many pods each workload has that are not on their way out, by namespace and workload."""
        pods = (pod for pod in self.pods if not pod.finished and not pod.terminating_since)
        return Counter((pod.namespace, pod.workload) for pod in pods)

    @cached_property
    def volumes_by_claim(self) -> dict[tuple[str, str], PinnedVolume]:
        """The volumes by namespace and claim."""
        return {(each.namespace, each.claim): each for each in self.volumes}


def preview_notes(plan: DrainPlan, budgets: Sequence[Budget], around: Surroundings) -> list[DrainNote]:
    """Every note on one node's plan, in the order of the topics."""
    return [
        *_only_replicas(plan, around),
        # In place a pod comes back on its node, so it needs no room on another.
        *([] if around.options.in_place else [*_pinned(plan, around), *_host_ports(plan, around)]),
        *([] if around.options.disable_eviction else _one_at_a_time(plan, budgets)),
        *_not_selected(plan),
        *_not_ready(plan),
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


def _pinned(plan: DrainPlan, around: Surroundings) -> list[DrainNote]:
    notes = []
    for pod in plan.evict:
        if pod.finished or pod.controller is None:
            continue
        reasons = (
            [f"its node selector or affinity allows {pod.only_hosts[0]} alone"] if len(pod.only_hosts) == 1 else []
        )
        for claim in pod.claims:
            volume = around.volumes_by_claim.get((pod.namespace, claim))
            if volume and len(volume.hosts) == 1:
                reasons.append(f"its volume {volume.name} is on {volume.hosts[0]}")
        if reasons:
            notes.append(
                DrainNote(
                    topic=Topic.PINNED,
                    fact=f"pod {pod.title} can run on no other node ({'; '.join(reasons)})",
                    remedy=_pinned_remedy(around.options),
                )
            )
    return notes


def _pinned_remedy(options: DrainOptions) -> str:
    if options.wait_for_replacements:
        return (
            f"the drain waits {options.replacements_timeout_seconds:.0f} s for its replacement and then fails: "
            "let it run elsewhere, or set drain.waitForReplacements to false and miss it until the node is back"
        )
    return "it is away until the node is back"


def _host_ports(plan: DrainPlan, around: Surroundings) -> list[DrainNote]:
    """Evicted pods whose host port is taken on every other node that would have them."""
    notes = []
    for pod in plan.evict:
        if pod.finished or pod.controller is None or not pod.ports_on_host:
            continue
        others = [node.name for node in around.nodes if node.name != pod.node and node.ready and not node.unschedulable]
        taken = {
            other.node
            for other in around.pods
            if not other.finished and set(other.ports_on_host) & set(pod.ports_on_host)
        }
        if all(name in taken for name in others):
            ports = ", ".join(f"{port}/{protocol}" for protocol, port in pod.ports_on_host)
            notes.append(
                DrainNote(
                    topic=Topic.HOST_PORT,
                    fact=f"pod {pod.title} needs host port {ports}, which is free on no other schedulable node",
                    remedy="its replacement waits for one: free the port on another node, or lower its replicas",
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
    """What podSelector keeps from the drain is renewed in place: what that destroys is said."""
    notes = []
    for pod, reason in plan.leave:
        if reason != NOT_SELECTED or pod.mirror or not pod.on_pod_network:
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
    """Pods that a drain leaves and that are not Ready now: they are renewed, and not waited for."""
    return [
        DrainNote(
            topic=Topic.NOT_READY,
            fact=f"pod {pod.title} ({pod.workload}) is not Ready",
            remedy="it is renewed, but its turn does not wait for it; mend it first if it matters",
        )
        for pod, _ in plan.leave
        if pod.on_pod_network and not pod.ready and not pod.finished and not pod.mirror
    ]

"""Prediction for the pods that a wave's drains evict: whether each is replaced, and on which node."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from components.operations.demands.terms import NotKnownError
from components.operations.objects.model import Pod
from components.operations.placing.cluster_model import World
from components.operations.placing.fitting import find_place, judge_named
from components.operations.placing.needed_objects import Supplies
from components.operations.placing.obstacles import Verdict
from components.operations.placing.owners import OWNER_LISTS, Owner
from components.operations.placing.quotas import Accounts

_ONE_AFTER_THE_OTHER = "StatefulSet"  # creates a replacement only once the pod itself is gone


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """The prediction for one pod; `verdict` is None if no replacement has to be placed.

    `renewal` is the reason why it may not be replaced, `surge` the quota without room for both pods at a time.
    """

    pod: Pod
    verdict: Verdict | None = None
    renewal: str = ""
    surge: str = ""


def look_ahead(pods: Sequence[Pod], *, moving: Collection[str], world: World, supplies: Supplies) -> list[Outlook]:
    """Predict the placement of all pods that a wave's drains evict, while the nodes `moving` are cordoned.

    The world is restored afterwards. A pod that fits nowhere is tried again after others were placed, as the scheduler
    does.
    """
    accounts = Accounts(supplies.quotas or (), supplies.limit_ranges or ())
    together = Counter((pod.namespace, pod.controller) for pod in pods)
    found: list[Outlook] = []
    waiting: list[tuple[Pod, str, str]] = []
    with world.without(pods):
        world.moving = moving
        try:
            for pod in sorted(pods, key=lambda each: (-each.demand.priority, each.namespace, each.name)):
                renewal, ends = _renewal(pod, supplies, evicted=together[pod.namespace, pod.controller])
                refused, surge = (None, "") if ends else _created(pod, accounts)
                if ends or refused:
                    found.append(Outlook(pod=pod, renewal=renewal, verdict=refused))
                else:
                    waiting.append((pod, renewal, surge))
            found += _place(waiting, world, supplies)
        finally:
            world.moving = ()
    return found


def _place(waiting: list[tuple[Pod, str, str]], world: World, supplies: Supplies) -> list[Outlook]:
    """Place the pods in rounds, until a round places none."""
    found, start = list[Outlook](), 0
    while waiting:
        left = []
        for pod, renewal, surge in waiting:
            named = _named_node(pod, supplies)
            verdict = (
                judge_named(pod, named, world, supplies) if named else find_place(pod, world, supplies, start=start)
            )
            if verdict.node and not verdict.preempts:
                world.put(pod, verdict.node)
                start = (start + 1) % len(world.offers)
                found.append(Outlook(pod=pod, verdict=verdict, renewal=renewal, surge=surge))
            else:
                left.append((pod, renewal, surge, verdict))
        if len(left) == len(waiting):
            return [
                *found,
                *(Outlook(pod=pod, verdict=seen, renewal=renewal, surge=surge) for pod, renewal, surge, seen in left),
            ]
        waiting = [(pod, renewal, surge) for pod, renewal, surge, _ in left]
    return found


def _created(pod: Pod, accounts: Accounts) -> tuple[Verdict | None, str]:
    """(the verdict if the API server refuses the replacement, the quota without room for both pods at a time)."""
    try:
        surge = "" if pod.controller and pod.controller.kind == _ONE_AFTER_THE_OTHER else accounts.without_surge(pod)
        accounts.gone(pod)
        refused = accounts.refusal(pod)
    except NotKnownError as error:
        return Verdict(not_known=str(error)), ""
    return (Verdict(refused=refused) if refused else None), surge


def _renewal(pod: Pod, supplies: Supplies, *, evicted: int) -> tuple[str, bool]:
    """(the note on its replacement, True if there is no replacement to place)."""
    controller = pod.controller
    if controller is None or controller.is_daemon_set:
        return "", True  # reported by the drain's own refusals and warnings
    kind = controller.api_version, controller.kind
    if kind not in OWNER_LISTS:
        return f"not known whether {controller.kind} {controller.name} ({controller.api_version}) makes another", False
    owners = supplies.owners.get(controller.kind)
    if owners is None:
        return "", False
    owner = owners.get((pod.namespace, controller.name))
    if owner is None:
        return f"its {controller.kind} {controller.name} does not exist any more: nothing makes another", True
    return _by_owner(controller.kind, owner, evicted=evicted)


def _by_owner(kind: str, owner: Owner, *, evicted: int) -> tuple[str, bool]:
    if owner.suspended:
        return f"its {kind} {owner.name} is suspended: nothing makes another until it is resumed", True
    if owner.failures_left is not None and owner.failures_left < evicted:
        return (
            f"its Job {owner.name} counts evictions as failures, of which it may have {owner.failures_left}: it fails",
            True,
        )
    if owner.gates:
        return f"not known when another starts: the template of {kind} {owner.name} has scheduling gate " + ", ".join(
            owner.gates
        ), True
    return "", False


def _named_node(pod: Pod, supplies: Supplies) -> str:
    """The node that the owner's template names for its pods; empty if a scheduler decides."""
    owners = supplies.owners.get(pod.controller.kind) if pod.controller else None
    owner = (owners or {}).get((pod.namespace, pod.controller.name)) if pod.controller else None
    return owner.node if owner else ""

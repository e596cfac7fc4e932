"""The scheduler's filters in its order: the node that takes a pod, and the obstacle on each of the others.

For a pod whose template names its node, which bypasses the scheduler, the kubelet's admission is checked instead.
"""

from collections.abc import Callable

from components.operations.demands.resource_totals import PODS
from components.operations.demands.taints import CORDON, EVICTS, untolerated
from components.operations.demands.terms import NotKnownError
from components.operations.objects.model import Pod
from components.operations.placing.cluster_model import Offer, World
from components.operations.placing.needed_objects import Supplies
from components.operations.placing.neighbours import neighbours
from components.operations.placing.obstacles import Kind, Obstacle, Verdict
from components.operations.placing.spreading import spreading
from components.operations.placing.volumes import NoVolumeError, volumes

Judge = Callable[[Offer], list[Obstacle]]
# Obstacles that preemption of other pods does not remove.
_LASTING = {
    Kind.NOT_READY, Kind.MOVING, Kind.CORDONED, Kind.TAINT, Kind.NOT_CHOSEN, Kind.VOLUME_PLACE, Kind.VOLUME_NONE,
    Kind.VOLUME_ZONE, Kind.NO_DOMAIN, Kind.AFFINITY,
}  # fmt: skip


def find_place(pod: Pod, world: World, supplies: Supplies, *, start: int = 0) -> Verdict:
    """The verdict for a pod that is not in the world: the first node from `start` on that takes it, or none."""
    if pod.demand.strange:
        return Verdict(not_known="; ".join(pod.demand.strange))
    try:
        judge = _judge(pod, world, supplies)
        in_the_way, moving = dict[str, list[Obstacle]](), ""
        for offer in [*world.offers[start:], *world.offers[:start]]:
            found = judge(offer)
            if found:
                in_the_way[offer.name] = found
            elif offer.name not in world.moving:
                return Verdict(node=offer.name)
            else:
                moving = moving or offer.name
        if moving:
            return Verdict(node=moving, past_cordon="it tolerates the cordon, and no other node takes it")
        node = _by_preemption(pod, world, supplies, in_the_way)
    except NotKnownError as error:
        return Verdict(not_known=str(error))
    except NoVolumeError as error:
        return Verdict(refused=str(error))
    return Verdict(in_the_way=in_the_way, node=node, preempts=bool(node))


def judge_named(pod: Pod, node: str, world: World, supplies: Supplies) -> Verdict:
    """The verdict for a pod whose template names `node`: neither the scheduler nor a cordon matters."""
    named = f"its template names node {node} (spec.nodeName), "
    offer = next((each for each in world.offers if each.name == node), None)
    if offer is None:
        return Verdict(refused=f"{named}which is not there")
    if not offer.ready:
        return Verdict(refused=f"{named}which is {Kind.NOT_READY}")
    try:
        found = _admitted(pod, offer, world, supplies)
    except NotKnownError as error:
        return Verdict(not_known=str(error))
    except NoVolumeError as error:
        return Verdict(refused=str(error))
    if found:
        return Verdict(refused=f"{named}whose kubelet does not take it: {', '.join(each.text for each in found)}")
    past = "its template names that node (spec.nodeName)" if node in world.moving else ""
    return Verdict(node=node, past_cordon=past)


def _admitted(pod: Pod, offer: Offer, world: World, supplies: Supplies) -> list[Obstacle]:
    """The obstacles in the kubelet's admission of the pod on a node."""
    found = _chosen(pod, offer) or _ports(pod, offer, world)
    if found:
        return [found]
    evicting = untolerated((taint for taint in offer.taints if taint.effect == EVICTS), pod.demand.tolerations)
    if evicting:
        return [Obstacle(kind=Kind.TAINT, detail=evicting.text)]
    no_volume = volumes(pod, world, supplies)(offer)
    return _lacking(pod, offer, world) or ([no_volume] if no_volume else [])


def _judge(pod: Pod, world: World, supplies: Supplies) -> Judge:
    """All filters for this pod; the first that rejects a node gives the reason, of resources all that are lacking."""
    last = [volumes(pod, world, supplies), spreading(pod, world), neighbours(pod, world)]

    def judge(offer: Offer) -> list[Obstacle]:
        found = _closed(pod, offer, world) or _chosen(pod, offer) or _ports(pod, offer, world)
        if found:
            return [found]
        lacking = _lacking(pod, offer, world)
        if lacking:
            return lacking
        return [obstacle for each in last if (obstacle := each(offer))][:1]

    return judge


def _closed(pod: Pod, offer: Offer, world: World) -> Obstacle | None:
    if not offer.ready:
        return Obstacle(kind=Kind.NOT_READY)
    if world.cordoned(offer) and untolerated((CORDON,), pod.demand.tolerations):
        return Obstacle(kind=Kind.MOVING if offer.name in world.moving else Kind.CORDONED)
    taint = untolerated(world.taints(offer), pod.demand.tolerations)
    return Obstacle(kind=Kind.TAINT, detail=taint.text) if taint else None


def _chosen(pod: Pod, offer: Offer) -> Obstacle | None:
    return None if pod.demand.chooses(offer.name, offer.labels) else Obstacle(kind=Kind.NOT_CHOSEN)


def _ports(pod: Pod, offer: Offer, world: World) -> Obstacle | None:
    if not pod.demand.ports:
        return None
    for other in world.on(offer.name):
        for taken in other.demand.ports:
            for wanted in pod.demand.ports:
                if wanted.clashes(taken):
                    return Obstacle(kind=Kind.PORT, detail=f"{wanted.port}/{wanted.protocol}")
    return None


def _lacking(pod: Pod, offer: Offer, world: World) -> list[Obstacle]:
    if offer.room is None:
        return []
    found = []
    if len(world.on(offer.name)) + 1 > offer.room.get(PODS, 0):
        found.append(Obstacle(kind=Kind.PODS, detail=str(offer.room.get(PODS, 0))))
    for name, number in sorted(pod.demand.amounts.items()):
        if number and number > offer.room.get(name, 0) - world.used(offer.name, name):
            found.append(Obstacle(kind=Kind.LACKING, detail=name))
    return found


def _by_preemption(pod: Pod, world: World, supplies: Supplies, in_the_way: dict[str, list[Obstacle]]) -> str:
    """A node that would take the pod after preemption of all pods of lower priority there; empty if none would."""
    if not pod.demand.preempts:
        return ""
    for offer in world.offers:
        if _LASTING.intersection(each.kind for each in in_the_way[offer.name]):
            continue
        lower = [other for other in world.on(offer.name) if other.demand.priority < pod.demand.priority]
        if lower:
            with world.without(lower):
                if not _judge(pod, world, supplies)(offer):
                    return offer.name
    return ""

"""The filters of the scheduler, in its order: which node takes a pod, and what each of the others has against it."""

from collections.abc import Callable

from components.operations.model import Pod
from components.operations.placing.amounts import PODS
from components.operations.placing.neighbours import neighbours
from components.operations.placing.obstacles import Kind, Obstacle, Verdict
from components.operations.placing.spreading import spreading
from components.operations.placing.supplies import Supplies
from components.operations.placing.taints import CORDON, untolerated
from components.operations.placing.terms import NotKnownError
from components.operations.placing.volumes import NoVolumeError, volumes
from components.operations.placing.world import Offer, World

Judge = Callable[[Offer], list[Obstacle]]
# Against these it does not help that other pods go.
_LASTING = {
    Kind.NOT_READY, Kind.MOVING, Kind.CORDONED, Kind.TAINT, Kind.NOT_CHOSEN, Kind.VOLUME_PLACE, Kind.VOLUME_NONE,
    Kind.VOLUME_ZONE, Kind.NO_DOMAIN, Kind.AFFINITY,
}  # fmt: skip


def find_place(pod: Pod, world: World, supplies: Supplies, *, start: int = 0) -> Verdict:
    """The first node from `start` on that takes the pod, as the world is now; the pod itself is not in it."""
    if pod.demand.strange:
        return Verdict(not_known="; ".join(pod.demand.strange))
    try:
        judge = _judge(pod, world, supplies)
        in_the_way = {}
        for offer in [*world.offers[start:], *world.offers[:start]]:
            found = judge(offer)
            if not found:
                return Verdict(node=offer.name)
            in_the_way[offer.name] = found
        node = _by_preemption(pod, world, supplies, in_the_way)
    except NotKnownError as error:
        return Verdict(not_known=str(error))
    except NoVolumeError as error:
        return Verdict(refused=str(error))
    return Verdict(in_the_way=in_the_way, node=node, preempts=bool(node))


def _judge(pod: Pod, world: World, supplies: Supplies) -> Judge:
    """All filters for this pod; a node's first one that says no is the reason, of amounts all that are lacking."""
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
    """A node that takes the pod once all pods of lower priority there are gone; empty if there is none."""
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

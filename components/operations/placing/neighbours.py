"""Required affinity and anti-affinity between pods, that of the pods that are there included."""

from collections.abc import Callable

from components.operations.model import Pod
from components.operations.placing.obstacles import Kind, Obstacle
from components.operations.placing.terms import PodTerm
from components.operations.placing.world import Offer, World

_Pairs = set[tuple[str, str]]


def neighbours(pod: Pod, world: World) -> Callable[[Offer], Obstacle | None]:
    """What each node has against the pod."""
    labels = {offer.name: offer.labels for offer in world.offers}
    demand = pod.demand

    def covers(term: PodTerm, other: Pod) -> bool:
        return term.covers(other.namespace, other.labels, namespaces=world.namespaces)

    wanted, shunned, closed = _Pairs(), _Pairs(), _Pairs()
    if demand.affinity or demand.anti_affinity:
        for offer in world.offers:
            for other in world.on(offer.name):
                if demand.affinity and all(covers(term, other) for term in demand.affinity):
                    wanted |= _pairs(demand.affinity, offer)
                shunned |= _pairs([term for term in demand.anti_affinity if covers(term, other)], offer)
    for other, node in world.excluding():
        for term in other.demand.anti_affinity:
            if covers(term, pod) and term.topology_key in labels.get(node, {}):
                closed.add((term.topology_key, labels[node][term.topology_key]))
    # The first of pods that want to be near each other has nobody to be near to.
    first = not wanted and all(covers(term, pod) for term in demand.affinity)

    def judge(offer: Offer) -> Obstacle | None:
        for term in demand.affinity:
            value = offer.labels.get(term.topology_key)
            if value is None or not (first or (term.topology_key, value) in wanted):
                return Obstacle(kind=Kind.AFFINITY, detail=f"by {term.topology_key}")
        for term in demand.anti_affinity:
            if (term.topology_key, offer.labels.get(term.topology_key)) in shunned:
                return Obstacle(kind=Kind.ANTI_AFFINITY, detail=f"by {term.topology_key}")
        for key, value in sorted(closed):
            if offer.labels.get(key) == value:
                return Obstacle(kind=Kind.EXCLUDED, detail=f"by {key}")
        return None

    return judge


def _pairs(terms: tuple[PodTerm, ...] | list[PodTerm], offer: Offer) -> _Pairs:
    return {(term.topology_key, offer.labels[term.topology_key]) for term in terms if term.topology_key in offer.labels}

"""Required affinity and anti-affinity between pods, including that of pods already on the nodes."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from components.operations.demands.terms import PodTerm
from components.operations.objects.model import Pod
from components.operations.placing.cluster_model import Offer, World
from components.operations.placing.obstacles import Kind, Obstacle

_Pairs = set[tuple[str, str]]


def neighbours(pod: Pod, world: World) -> Callable[[Offer], Obstacle | None]:
    """A function that returns a node's obstacle for the pod, if any."""
    labels = world.labels
    demand = pod.demand

    def covers(term: PodTerm, other: Pod) -> bool:
        return term.covers(other.namespace, other.labels, namespaces=world.namespaces)

    def found(term: PodTerm) -> Iterator[tuple[Pod, str]]:
        spaces = term.namespaces if term.namespace_selector is None else None
        return ((other, node) for other, node in world.meant_by(term.selector, spaces) if covers(term, other))

    wanted, shunned, closed = _Pairs(), _Pairs(), _Pairs()
    for other, node in found(demand.affinity[0]) if demand.affinity else ():
        if all(covers(term, other) for term in demand.affinity[1:]):
            wanted |= _pairs(demand.affinity, labels.get(node, {}))
    for term in demand.anti_affinity:
        for _, node in found(term):
            shunned |= _pairs((term,), labels.get(node, {}))
    for term, node in world.excluding(pod):
        if covers(term, pod):
            closed |= _pairs((term,), labels.get(node, {}))
    # The first pod of a group with affinity to itself may go anywhere.
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


def _pairs(terms: Sequence[PodTerm], labels: Mapping[str, str]) -> _Pairs:
    return {(term.topology_key, labels[term.topology_key]) for term in terms if term.topology_key in labels}

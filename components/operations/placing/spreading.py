"""Topology spread constraints with DoNotSchedule: nodes on which the pod would exceed maxSkew."""

from collections.abc import Callable
from dataclasses import dataclass

from components.operations.demands.taints import untolerated
from components.operations.demands.terms import Spread
from components.operations.objects.model import Pod
from components.operations.placing.cluster_model import Offer, World
from components.operations.placing.obstacles import Kind, Obstacle
from components.operations.selectors import matches

_NO_DOMAIN_COUNTED = 1 << 31


@dataclass(frozen=True)
class _Domains:
    spread: Spread
    counts: dict[str, int]
    itself: int

    @property
    def least(self) -> int:
        """The fewest pods in any domain; 0 while there are fewer domains than the constraint's minDomains."""
        if len(self.counts) < self.spread.min_domains and self.counts:
            return 0
        return min(self.counts.values(), default=_NO_DOMAIN_COUNTED)


def spreading(pod: Pod, world: World) -> Callable[[Offer], Obstacle | None]:
    """A function that returns a node's obstacle; cordoned nodes count as domains unless the pod honours taints."""
    spreads = pod.demand.spreads
    keys = {spread.topology_key for spread in spreads}
    counted = [offer for offer in world.offers if keys <= offer.labels.keys()] if spreads else []
    domains = [_count(spread, pod, world, counted) for spread in spreads]

    def judge(offer: Offer) -> Obstacle | None:
        for each in domains:
            key = each.spread.topology_key
            if key not in offer.labels:
                return Obstacle(kind=Kind.NO_DOMAIN, detail=key)
            there = each.counts.get(offer.labels[key], 0)
            if there + each.itself - each.least > each.spread.max_skew:
                return Obstacle(kind=Kind.SPREAD, detail=f"maxSkew {each.spread.max_skew} over {key}")
        return None

    return judge


def _count(spread: Spread, pod: Pod, world: World, offers: list[Offer]) -> _Domains:
    domains: dict[str, str] = {}
    for offer in offers:
        if spread.honours_affinity and not pod.demand.chooses(offer.name, offer.labels):
            continue
        if spread.honours_taints and untolerated(world.taints(offer), pod.demand.tolerations):
            continue
        domains[offer.name] = offer.labels[spread.topology_key]
    counts = dict.fromkeys(domains.values(), 0)
    for other, node in world.meant_by(spread.selector, (pod.namespace,)):
        if node in domains and not other.terminating_since and matches(spread.selector, other.labels):
            counts[domains[node]] += 1
    return _Domains(spread, counts, int(matches(spread.selector, pod.labels)))

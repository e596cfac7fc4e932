"""A pod's volumes as obstacles: nodes that cannot reach them, attach another, or get a new one."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from components.operations.demands.resource_totals import Amounts
from components.operations.demands.terms import NotKnownError, node_fits
from components.operations.objects.model import Pod
from components.operations.placing.cluster_model import Offer, World
from components.operations.placing.needed_objects import NO_PROVISIONER, StorageClass, Supplies, Volume
from components.operations.placing.obstacles import Kind, Obstacle

_ONE_POD = "ReadWriteOncePod"
_OLD_LABELS = "failure-domain.beta.kubernetes.io/"
_LABELS = "topology.kubernetes.io/"


class NoVolumeError(Exception):
    """A claim that no node can mount; the text says why."""


@dataclass(frozen=True, kw_only=True)
class _Open:
    """A claim whose volume is created on the pod's node (WaitForFirstConsumer)."""

    title: str
    of: StorageClass
    modes: frozenset[str]
    asks: Amounts


def volumes(pod: Pod, world: World, supplies: Supplies) -> Callable[[Offer], Obstacle | None]:
    """A function that returns a node's obstacle for the pod. Raises NoVolumeError, NotKnownError."""
    bound, new = list[Volume](), list[_Open]()
    for name in pod.demand.claims:
        _look_up(pod, name, supplies, bound, new)
    for chosen in pod.demand.fresh_claims:
        of = supplies.storage_class(chosen)
        if of is None:
            raise NotKnownError(f"the storage class {chosen or '(default)'} of its ephemeral volume is not there")
        if of.waits_for_pod:
            new.append(_Open(title=f"an ephemeral volume of class {of.name}", of=of, modes=frozenset(), asks={}))
    shared = _held_alone(pod, world, supplies)

    def judge(offer: Offer) -> Obstacle | None:
        if shared:
            return Obstacle(kind=Kind.VOLUME_USED, detail=shared)
        full = _limit(pod, offer, world, supplies, bound, new)
        if full:
            return Obstacle(kind=Kind.VOLUME_LIMIT, detail=full)
        for volume in bound:
            if volume.terms is not None and not node_fits(volume.terms, name=offer.name, labels=offer.labels):
                return Obstacle(kind=Kind.VOLUME_PLACE, detail=volume.name)
        for claim in new:
            if not _could_have(claim, offer, supplies):
                return Obstacle(kind=Kind.VOLUME_NONE, detail=claim.title)
        return next((obstacle for volume in bound for obstacle in _zones(volume, offer)), None)

    return judge


def _look_up(pod: Pod, name: str, supplies: Supplies, bound: list[Volume], new: list[_Open]) -> None:
    title = f"claim {pod.namespace}/{name}"
    claim = supplies.claim(pod.namespace, name)
    if claim is None:
        raise NoVolumeError(f"its {title} does not exist")
    if claim.volume:
        volume = supplies.volume(claim.volume)
        if volume is None:
            raise NoVolumeError(f"the volume {claim.volume} of its {title} does not exist")
        bound.append(volume)
        return
    of = supplies.storage_class(claim.storage_class)
    if of is None or not of.waits_for_pod:
        raise NoVolumeError(f"its {title} has no volume")
    new.append(_Open(title=title, of=of, modes=claim.modes, asks=claim.asks))


def _held_alone(pod: Pod, world: World, supplies: Supplies) -> str:
    """A ReadWriteOncePod claim of this pod that another pod uses; empty if there is none."""
    for name in pod.demand.claims:
        claim = supplies.claim(pod.namespace, name)
        if claim and _ONE_POD in claim.modes:
            for offer in world.offers:
                for other in world.on(offer.name):
                    if other.namespace == pod.namespace and name in other.demand.claims:
                        return f"{name} by pod {other.name}"
    return ""


def _limit(pod: Pod, offer: Offer, world: World, supplies: Supplies, bound: list[Volume], new: list[_Open]) -> str:
    """A driver whose limit of attached volumes would be exceeded; empty if there is none."""
    wanted = {(volume.driver, volume.name) for volume in bound if volume.driver}
    wanted |= {(claim.of.provisioner, f"{pod.uid} {claim.title}") for claim in new}
    if not wanted:
        return ""
    if supplies.volume_limits is None:
        raise supplies.missing("csinodes")
    limits = supplies.volume_limits.get(offer.name, {})
    wanted = {each for each in wanted if each[0] in limits}
    there = {each for other in world.on(offer.name) for each in _attached(other, supplies)} if wanted else set()
    for driver, _ in sorted(wanted - there):
        if sum(each[0] == driver for each in wanted | there) > limits[driver]:
            return f"{driver}: {limits[driver]}"
    return ""


def _attached(pod: Pod, supplies: Supplies) -> Iterator[tuple[str, str]]:
    for name in pod.claims:
        claim = supplies.claim(pod.namespace, name)
        volume = supplies.volume(claim.volume) if claim and claim.volume else None
        if volume and volume.driver:
            yield volume.driver, volume.name


def _could_have(claim: _Open, offer: Offer, supplies: Supplies) -> bool:
    if claim.of.provisioner != NO_PROVISIONER:
        terms = claim.of.topologies
        return terms is None or node_fits(terms, name=offer.name, labels=offer.labels)
    if supplies.volumes is None:
        raise supplies.missing("persistentvolumes")
    return any(
        volume.claim is None
        and volume.storage_class == claim.of.name
        and claim.modes <= volume.modes
        and all(volume.holds.get(name, 0) >= number for name, number in claim.asks.items())
        and (volume.terms is None or node_fits(volume.terms, name=offer.name, labels=offer.labels))
        for volume in supplies.volumes.values()
    )


def _zones(volume: Volume, offer: Offer) -> Iterator[Obstacle]:
    """Obstacles of a volume in another zone; a node without a zone label has none."""
    if not any(key.startswith((_LABELS, _OLD_LABELS)) for key in offer.labels):
        return
    for key, zones in volume.zones.items():
        value = offer.labels.get(key, offer.labels.get(key.replace(_OLD_LABELS, _LABELS)))
        if value not in zones:
            yield Obstacle(kind=Kind.VOLUME_ZONE, detail=volume.name)

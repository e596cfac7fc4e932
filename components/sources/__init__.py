"""What we know of each old CNI: how to recognise, describe, prepare and, at the end, remove it."""

from components.operations.autodetection import can_be_fooled
from components.operations.snapshot import Snapshot
from components.sources import calico, calico_operator, canal, flannel, generic, kindnet
from components.sources.description import SourceDescription, SourceError
from components.sources.interface import Source
from components.sources.strangers import embedded, strangers
from stacks.source import SourceSettings

__all__ = ["SOURCES", "Source", "SourceDescription", "SourceError", "describe", "fooled_families", "source_of"]

SOURCES: dict[str, Source] = {
    each.SOURCE.kind: each.SOURCE for each in (flannel, canal, calico, calico_operator, kindnet, generic)
}  # fmt: skip


def source_of(description: SourceDescription) -> Source:
    """What we know of that kind of CNI."""
    return SOURCES[description.kind]


def fooled_families(description: SourceDescription) -> tuple[int, ...]:
    """The address families in which the old CNI could take an interface of Cilium's for the node's own: 4, 6."""
    methods = ((4, description.autodetection), (6, description.autodetection_v6))
    return tuple(family for family, method in methods if source_of(description).way and can_be_fooled(method))


def describe(snapshot: Snapshot, settings: SourceSettings | None = None) -> SourceDescription:
    """The old CNI of the cluster: as the config says, from live objects or, once it is gone, as noted at `preflight`.

    Raises SourceError when there is none that we know, or more than one; the text says what was looked at.
    """
    if settings is not None and settings.kind == generic.KIND:
        return generic.describe(settings, snapshot)
    recorded = None if snapshot.record is None else SourceDescription.model_validate(snapshot.record)
    if settings is None and recorded and recorded.kind == generic.KIND:
        return recorded
    wanted = [SOURCES[settings.kind]] if settings else list(SOURCES.values())
    found = [each for source in wanted for each in source.detect(snapshot)]
    if len(found) > 1:
        names = "; ".join(f"{each.title} ({each.evidence[0]})" for each in found)
        raise SourceError(
            f"the cluster runs {len(found)} CNIs: {names}; remove those that are not in use, or say which one the pods "
            "are on: `pulumi config set --path source.kind`"
        )
    if found:
        return found[0]
    if recorded:
        return recorded
    raise SourceError(_nothing_found(snapshot, settings))


def _nothing_found(snapshot: Snapshot, settings: SourceSettings | None) -> str:
    known = ", ".join(kind for kind in SOURCES if kind != generic.KIND)
    if settings:
        return f"source.kind is '{settings.kind}', but the cluster runs no such CNI; leave it out to have it found"
    others = [*strangers(snapshot), *embedded(snapshot)]
    if others:
        return f"the cluster's CNI is not one of {known}: {'; '.join(others)}"
    hosts = sorted(f"{each['metadata']['namespace']}/{each['metadata']['name']}" for each in snapshot.daemon_sets)
    return (
        f"no CNI that can be migrated from was found, that is {known}; the cluster's DaemonSets are "
        f"{', '.join(hosts) or 'none'}; describe its network in the config's `source`, with kind 'generic'"
    )

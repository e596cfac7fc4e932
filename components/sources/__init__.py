"""Knowledge of each old CNI: how to recognise, describe, prepare and, at the end, remove it."""

from collections.abc import Sequence

from components.operations.snapshot import Snapshot
from components.sources import canal, generic, kindnet
from components.sources.calico import manifests as calico
from components.sources.calico import operator as calico_operator
from components.sources.calico.detection_methods import ANY_POOL, why_fooled
from components.sources.description import SourceDescription, SourceError
from components.sources.facts.workload import for_linux
from components.sources.flannel import daemon_set as flannel
from components.sources.interface import Source
from components.sources.unsupported import in_a_process, unsupported
from stacks.sections.source import SourceSettings

__all__ = [
    "SOURCES", "Source", "SourceDescription", "SourceError", "describe", "families_of", "fooled", "fooled_families",
    "source_of",
]  # fmt: skip

SOURCES: dict[str, Source] = {
    each.SOURCE.kind: each.SOURCE for each in (flannel, canal, calico, calico_operator, kindnet, generic)
}  # fmt: skip


def source_of(description: SourceDescription) -> Source:
    """The functions for that kind of CNI."""
    return SOURCES[description.kind]


def fooled(description: SourceDescription, *, pools: Sequence[str] = ANY_POOL) -> dict[int, str]:
    """The reasons why the old CNI could take a Cilium interface for the node's own, by address family (4, 6).

    `pools` are Cilium's; any range if they are not known yet.
    """
    if not source_of(description).way:
        return {}
    methods = {4: description.autodetection, 6: description.autodetection_v6}
    why = {
        family: why_fooled(method, family=family, pools=pools)
        for family, method in methods.items()
        if method and family in families_of(pools)
    }
    return {family: clause for family, clause in why.items() if clause}


def families_of(pools: Sequence[str]) -> set[int]:
    """The address families of the pools; Cilium's interfaces have no address of another family for Calico to take."""
    return {6 if ":" in each else 4 for each in pools}


def fooled_families(description: SourceDescription, *, pools: Sequence[str] = ANY_POOL) -> tuple[int, ...]:
    """The families of `fooled`."""
    return tuple(fooled(description, pools=pools))


def describe(snapshot: Snapshot, settings: SourceSettings | None = None) -> SourceDescription:
    """The cluster's old CNI: from the config, from live objects or, once it is gone, from the record of `preflight`.

    Raises SourceError if no known CNI is found, or more than one; the text lists what was found instead.
    """
    snapshot = for_linux(snapshot)
    if settings is not None and settings.kind == generic.KIND:
        return generic.describe(settings, snapshot)
    recorded = None if snapshot.record is None else SourceDescription.model_validate(snapshot.record)
    if settings is None and recorded and recorded.kind == generic.KIND:
        return recorded
    wanted = [SOURCES[settings.kind]] if settings else list(SOURCES.values())
    found = [each for source in wanted for each in source.detect(snapshot)]
    if len(found) > 1:
        names = "; ".join(f"{each.title} ({each.evidence[0]})" for each in found)
        kinds = [each.kind for each in found]
        ways = [f"`pulumi config set --path source.kind {kind}`" for kind in kinds if kinds.count(kind) == 1]
        which = f", or say which one the pods are on: {' or '.join(ways)}" if ways else ""
        raise SourceError(f"the cluster runs {len(found)} CNIs: {names}; remove those that are not in use{which}")
    if found:
        return found[0]
    if recorded:
        return recorded
    raise SourceError(_nothing_found(snapshot, settings))


def _nothing_found(snapshot: Snapshot, settings: SourceSettings | None) -> str:
    known = ", ".join(kind for kind in SOURCES if kind != generic.KIND)
    if settings:
        return f"source.kind is '{settings.kind}', but the cluster runs no such CNI; leave it out to have it found"
    others = [*unsupported(snapshot), *in_a_process(snapshot)]
    if others:
        return f"the cluster's CNI is not one of {known}: {'; '.join(others)}"
    hosts = sorted(f"{each['metadata']['namespace']}/{each['metadata']['name']}" for each in snapshot.daemon_sets)
    return (
        f"no CNI that can be migrated from was found, that is {known}; the cluster's DaemonSets are "
        f"{', '.join(hosts) or 'none'}; describe its network in the config's `source`, with kind 'generic'"
    )

"""What we know of each old CNI: how to recognise it, describe it and, at the end, remove it."""

from components.operations.snapshot import Snapshot
from components.sources import flannel
from components.sources.description import SourceDescription, SourceError

__all__ = ["SourceDescription", "SourceError", "describe"]


def describe(snapshot: Snapshot) -> SourceDescription:
    """The old CNI of the cluster, from live objects or, once it was removed, from what we wrote down at `preflight`.

    Raises SourceError when there is none that we know, or more than one.
    """
    found = flannel.detect(snapshot)
    if len(found) > 1:
        names = ", ".join(f"{each.kind} ({each.evidence[0]})" for each in found)
        raise SourceError(f"the cluster runs {len(found)} CNIs: {names}; remove the ones that are not in use")
    if found:
        return found[0]
    if snapshot.record is not None:
        return SourceDescription.model_validate(snapshot.record)
    hosts = sorted({f"{each['metadata']['namespace']}/{each['metadata']['name']}" for each in snapshot.daemon_sets})
    raise SourceError(
        "no CNI that can be migrated from was found: this version knows Flannel; the cluster's DaemonSets are "
        f"{', '.join(hosts) or 'none'}"
    )

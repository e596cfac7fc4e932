"""Removes the old CNI: past the point of no return, so this resource can't be deleted."""

import pulumi
from pulumi.dynamic import CreateResult, Resource

from components.providers.destroy_guard import refuse_deletion
from components.providers.shared.base import ClusterProvider, Properties, results


class SourceRemovalProvider(ClusterProvider):
    """Removes once."""

    replacing = ("kind",)

    def create(self, props: Properties) -> CreateResult:
        """Remove the old CNI from the API and from every node."""
        from components.operations.removal.source_removal import remove_source
        from components.operations.turn_annotations import now
        from components.pods import OurPods
        from components.sources import source_of

        source, cluster, cilium = self.work.source(), self.work.working_cluster(), self.work.config.cilium
        known, seconds = source_of(source), cilium.timeout_seconds
        outcome = remove_source(
            cluster,
            title=source.title,
            daemon_sets=source.daemon_sets,
            objects=lambda: known.remove_objects(cluster, source, timeout_seconds=seconds),
            sweep=known.sweep(source),
            cilium_namespace=cilium.namespace,
            pods=OurPods.of(self.work.config),
            timeout_seconds=seconds,
        )
        return CreateResult(id_=source.kind, outs=results(props, {**outcome, "at": now()}))

    def delete(self, _id: str, _props: Properties) -> None:
        """Raise OperationError: a stack of an earlier version has no guard."""
        refuse_deletion("the old CNI's removal")


class SourceRemoval(Resource, module="cleanup", name="SourceRemoval"):
    """The old CNI's absence."""

    removed: pulumi.Output[list[str]]
    kept: pulumi.Output[list[str]]

    def __init__(self, name: str, *, kind: str, opts: pulumi.ResourceOptions | None = None) -> None:
        props = {"kind": kind, "removed": None, "kept": None, "nodes": None, "seconds": None, "at": None}
        super().__init__(SourceRemovalProvider(), name, props, opts)

"""Removes the old CNI: past the point of no return, so deleting this resource brings nothing back."""

import pulumi
from pulumi.dynamic import CreateResult, Resource

from components.providers.base import ClusterProvider, Properties, results


class SourceRemovalProvider(ClusterProvider):
    """Removes once."""

    replacing = ("kind",)

    def create(self, props: Properties) -> CreateResult:
        """Remove the old CNI from the API and from every node."""
        from components.operations.marks import now
        from components.operations.source_removal import remove_source
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
            timeout_seconds=seconds,
        )
        return CreateResult(id_=source.kind, outs=results(props, {**outcome, "at": now()}))


class SourceRemoval(Resource, module="cleanup", name="SourceRemoval"):
    """The old CNI's absence."""

    removed: pulumi.Output[list[str]]
    kept: pulumi.Output[list[str]]

    def __init__(self, name: str, *, kind: str, opts: pulumi.ResourceOptions | None = None) -> None:
        props = {"kind": kind, "removed": None, "kept": None, "nodes": None, "seconds": None, "at": None}
        super().__init__(SourceRemovalProvider(), name, props, opts)

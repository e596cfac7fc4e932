"""Removes the old CNI: past the point of no return, so deleting this resource brings nothing back."""

import pulumi
from pulumi.dynamic import CreateResult, Resource

from components.operations.marks import now
from components.operations.source_removal import remove_flannel
from components.providers.base import ClusterProvider, Properties, results


class SourceRemovalProvider(ClusterProvider):
    """Removes once."""

    replacing = ("kind",)

    def create(self, props: Properties) -> CreateResult:
        """Remove the old CNI from the API and from every node."""
        source = self.source()
        outcome = remove_flannel(
            self.working_cluster(),
            namespace=source.namespace,
            daemon_set=source.daemon_set,
            config_map=source.config_map,
            interface=source.interface,
            cilium_namespace=self.config.cilium.namespace,
            timeout_seconds=self.config.cilium.timeout_seconds,
        )
        return CreateResult(id_=source.kind, outs=results(props, {**outcome, "at": now()}))


class SourceRemoval(Resource, module="cleanup", name="SourceRemoval"):
    """The old CNI's absence."""

    removed: pulumi.Output[list[str]]

    def __init__(self, name: str, *, kind: str, opts: pulumi.ResourceOptions | None = None) -> None:
        props = {"kind": kind, "removed": None, "nodes": None, "seconds": None, "at": None}
        super().__init__(SourceRemovalProvider(), name, props, opts)

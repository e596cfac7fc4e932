"""Removes what `cleanup.remove` names: past the point of no return, so deleting this resource brings nothing back."""

import pulumi
from pulumi.dynamic import CreateResult, Resource, UpdateResult

from components.providers.base import ClusterProvider, Properties, results


class ObjectRemovalProvider(ClusterProvider):
    """Removes once, and again what is named later."""

    meaningful = ("objects",)

    def _remove(self, titles: list[str]) -> Properties:
        from components.operations.marks import now
        from components.operations.removals import remove
        from stacks.objects import object_name

        cilium = self.work.config.cilium
        removed = remove(
            self.work.working_cluster(),
            [object_name(each) for each in titles],
            cilium_namespace=cilium.namespace,
            timeout_seconds=cilium.timeout_seconds,
        )
        return {"removed": removed, "at": now()}

    def create(self, props: Properties) -> CreateResult:
        """Remove them all."""
        return CreateResult(id_="objects", outs=results(props, self._remove(props["objects"])))

    def update(self, _id: str, _olds: Properties, _news: Properties) -> UpdateResult:
        """Remove those that were not named before."""
        added = [each for each in _news["objects"] if each not in _olds["objects"]]
        return UpdateResult(outs=results(_news, self._remove(added)))


class ObjectRemoval(Resource, module="cleanup", name="ObjectRemoval"):
    """The absence of some objects."""

    removed: pulumi.Output[list[str]]

    def __init__(self, name: str, *, objects: list[str], opts: pulumi.ResourceOptions | None = None) -> None:
        props = {"objects": objects, "removed": None, "at": None}
        super().__init__(ObjectRemovalProvider(), name, props, opts)

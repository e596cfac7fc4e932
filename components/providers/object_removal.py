"""Removes the objects in `cleanup.remove`: past the point of no return, so this resource can't be deleted."""

import pulumi
from pulumi.dynamic import CreateResult, Resource, UpdateResult

from components.providers.destroy_guard import refuse_deletion
from components.providers.shared.base import ClusterProvider, Properties, results


class ObjectRemovalProvider(ClusterProvider):
    """Removes objects once, and those that are added later."""

    meaningful = ("objects",)

    def _remove(self, titles: list[str]) -> Properties:
        from components.operations.removal.kube_proxy import runs_kube_proxy, sweep_kube_proxy
        from components.operations.removal.removals import remove
        from components.operations.turn_annotations import now
        from components.pods import OurPods
        from stacks.notation.objects import object_name
        from stacks.values import final_values, replaces_kube_proxy

        if not titles:
            return {"removed": [], "at": now()}
        cilium, cluster = self.work.config.cilium, self.work.working_cluster()
        names = [object_name(each) for each in titles]
        proxies = [each for each in names if runs_kube_proxy(cluster, each)]
        seconds = cilium.timeout_seconds
        removed = remove(cluster, names, cilium_namespace=cilium.namespace, timeout_seconds=seconds)
        if proxies and replaces_kube_proxy(final_values(self.work.cilium())):
            pods = OurPods.of(self.work.config)
            sweep_kube_proxy(cluster, proxies, cilium_namespace=cilium.namespace, pods=pods, timeout_seconds=seconds)
        return {"removed": removed, "at": now()}

    def create(self, props: Properties) -> CreateResult:
        """Remove all objects."""
        return CreateResult(id_="objects", outs=results(props, self._remove(props["objects"])))

    def update(self, _id: str, _olds: Properties, _news: Properties) -> UpdateResult:
        """Remove the objects that were added."""
        added = [each for each in _news["objects"] if each not in _olds["objects"]]
        return UpdateResult(outs=results(_news, self._remove(added)))

    def delete(self, _id: str, _props: Properties) -> None:
        """Raise OperationError: a stack of an earlier version has no guard."""
        refuse_deletion("the removal of the objects that `cleanup.remove` named")


class ObjectRemoval(Resource, module="cleanup", name="ObjectRemoval"):
    """The absence of the objects."""

    removed: pulumi.Output[list[str]]

    def __init__(self, name: str, *, objects: list[str], opts: pulumi.ResourceOptions | None = None) -> None:
        props = {"objects": objects, "removed": None, "at": None}
        super().__init__(ObjectRemovalProvider(), name, props, opts)

"""The guard of a finished migration: the resource that `pulumi destroy` deletes first, and whose deletion fails.

So nothing is removed from the state or the cluster, even without a preview, or after the resources' protection was
removed.
"""

from typing import NoReturn

import pulumi
from pulumi.dynamic import CreateResult, Resource

from components.providers.shared.base import ClusterProvider, Properties, results


def refuse_deletion(what: str) -> NoReturn:
    """Raise OperationError: objects that were removed with the old CNI can't be restored."""
    from components.operations.deadline import OperationError

    raise OperationError(
        f"{what} stays in the stack: the old CNI is gone from every node, so nothing here can be taken back, and "
        "Cilium is the cluster's only network; to forget the stack and leave the cluster as it is, type "
        "`pulumi stack rm --force --preserve-config`"
    )


class DestroyGuardProvider(ClusterProvider):
    """Exists, and fails to be deleted."""

    def create(self, props: Properties) -> CreateResult:
        """Create the record in the state, and nothing else."""
        return CreateResult(id_="guard", outs=results(props, {}))

    def delete(self, _id: str, _props: Properties) -> None:
        """Always raise OperationError."""
        refuse_deletion("the guard of the finished migration")


class DestroyGuard(Resource, module="cleanup", name="DestroyGuard"):
    """The last resource of the last phase: resources that `opts` depend on are deleted after it, which is never."""

    def __init__(self, name: str, *, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(DestroyGuardProvider(), name, {}, opts)

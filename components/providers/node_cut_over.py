"""The inner half of a node's turn: created, the labelled node is on Cilium and verified; deleted, it is empty again."""

import pulumi
from pulumi.dynamic import CreateResult, Resource, UpdateResult

from components.operations.marks import node_path
from components.operations.turn import empty_for_return, move_to_cilium
from components.providers.base import ClusterProvider, Properties, results


class NodeCutOverProvider(ClusterProvider):
    """Agent, CNI conf, recycle or reboot, verify, uncordon; undone: cordon and drain."""

    meaningful = ("sealed",)
    replacing = ("node",)

    def create(self, props: Properties) -> CreateResult:
        """Move the node to Cilium's network."""
        node = props["node"]
        return CreateResult(id_=node, outs=results(props, move_to_cilium(self.cluster, self.turn(node))))

    def update(self, _id: str, _olds: Properties, _news: Properties) -> UpdateResult:
        """Seal or unseal: nothing happens to the node."""
        return UpdateResult(outs=results(_olds, {"sealed": _news["sealed"]}))

    def delete(self, _id: str, _props: Properties) -> None:
        """Empty the node for its way back; nothing if it is sealed or gone."""
        if _props.get("sealed") or self.cluster.find(node_path(_props["node"])) is None:
            return
        empty_for_return(self.cluster, self.turn(_props["node"]))


class NodeCutOver(Resource, module="migrate", name="NodeCutOver"):
    """A node on Cilium's network, with the record of its turn."""

    finished: pulumi.Output[str]
    seconds: pulumi.Output[dict[str, float]]
    podsRecycled: pulumi.Output[int]  # noqa: N815 (the name in the stack's outputs)
    rebooted: pulumi.Output[bool]
    verified: pulumi.Output[dict[str, object]]

    def __init__(self, name: str, *, node: str, sealed: bool, opts: pulumi.ResourceOptions | None = None) -> None:
        outputs = ("finished", "seconds", "podsRecycled", "rebooted", "cniConf", "verified")
        props = {"node": node, "sealed": sealed, **dict.fromkeys(outputs)}
        super().__init__(NodeCutOverProvider(), name, props, opts)

"""The outer half of a node's turn: created, the node is empty; deleted, it is back on the old network."""

import pulumi
from pulumi.dynamic import CreateResult, ReadResult, Resource, UpdateResult

from components.providers.base import ClusterProvider, Properties, results


class NodeDrainProvider(ClusterProvider):
    """Cordon and drain; undone after the label is off: agent, CNI conf, pods, verify, uncordon."""

    meaningful = ("sealed",)
    replacing = ("node",)

    def create(self, props: Properties) -> CreateResult:
        """Cordon and drain the node."""
        from components.operations.alerts import assert_none_firing
        from components.operations.goldpinger import assert_all_healthy
        from components.operations.turn import empty_for_cilium

        node, gates = props["node"], self.work.config.gates
        cluster = self.work.working_cluster()
        if gates.prometheus_url:
            assert_none_firing(gates.prometheus, ignore=gates.ignore_alerts)
        if gates.goldpinger_url:
            assert_all_healthy(gates.goldpinger)
        return CreateResult(id_=node, outs=results(props, empty_for_cilium(cluster, self.work.turn(node))))

    def update(self, _id: str, _olds: Properties, _news: Properties) -> UpdateResult:
        """Seal or unseal: nothing happens to the node."""
        return UpdateResult(outs=results(_olds, {"sealed": _news["sealed"]}))

    def read(self, id_: str, props: Properties) -> ReadResult:
        """On refresh: a node that left the cluster leaves the stack."""
        from components.operations.marks import node_path

        return ReadResult(id_ if self.work.cluster.find(node_path(id_)) else "", props)

    def delete(self, _id: str, _props: Properties) -> None:
        """Bring the node back onto the old network; nothing if it is sealed or gone."""
        from components.operations.marks import node_path
        from components.operations.turn import return_to_source

        if _props.get("sealed") or self.work.cluster.find(node_path(_props["node"])) is None:
            return
        return_to_source(self.work.working_cluster(), self.work.turn(_props["node"]))


class NodeDrain(Resource, module="migrate", name="NodeDrain"):
    """An empty node; `sealed` makes its deletion harmless, once the old network is gone."""

    began: pulumi.Output[str]
    seconds: pulumi.Output[dict[str, float]]
    steps: pulumi.Output[list[dict[str, str]]]
    podsEvicted: pulumi.Output[int]  # noqa: N815 (the name in the stack's outputs)

    def __init__(self, name: str, *, node: str, sealed: bool, opts: pulumi.ResourceOptions | None = None) -> None:
        props = {"node": node, "sealed": sealed, "podsEvicted": None, "began": None, "seconds": None, "steps": None}
        super().__init__(NodeDrainProvider(), name, props, opts)

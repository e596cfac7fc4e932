"""The first half of a node's turn: creation drains the node, deletion returns it to the old network."""

import pulumi
from pulumi.dynamic import CreateResult, ReadResult, Resource, UpdateResult

from components.providers.shared.base import ClusterProvider, Properties, results


class NodeDrainProvider(ClusterProvider):
    """Creation: cordon and drain. Deletion, after the label is off: agent, CNI conf, pods, verify, uncordon."""

    meaningful = ("sealed",)
    replacing = ("node",)
    identifying = ("uid",)

    def create(self, props: Properties) -> CreateResult:
        """Cordon and drain the node."""
        from components.operations.gates.alerts import assert_none_firing
        from components.operations.gates.goldpinger import assert_all_healthy
        from components.operations.turn import empty_for_cilium
        from components.operations.turn_annotations import assert_same

        node, cluster = props["node"], self.work.working_cluster()
        assert_same(cluster, node, uid=props.get("uid") or "")
        gates = self.work.config.gates
        if gates.prometheus_url:
            assert_none_firing(gates.prometheus, ignore=gates.ignore_alerts)
        if gates.goldpinger_url:
            assert_all_healthy(gates.goldpinger)
        return CreateResult(id_=node, outs=results(props, empty_for_cilium(cluster, self.work.turn(node))))

    def update(self, _id: str, _olds: Properties, _news: Properties) -> UpdateResult:
        """Seal or unseal, which touches nothing."""
        return UpdateResult(
            outs=results(_olds, {"sealed": _news["sealed"], "uid": _olds.get("uid") or _news.get("uid")})
        )

    def read(self, id_: str, props: Properties) -> ReadResult:
        """On refresh, remove a node that left the cluster from the state, even if another has its name now."""
        from components.operations.turn_annotations import find_same

        node = find_same(self.work.cluster, id_, uid=props.get("uid") or "")
        return ReadResult(id_, {**props, "uid": node.uid}) if node else ReadResult("", props)

    def delete(self, _id: str, _props: Properties) -> None:
        """Return the node to the old network; nothing if it is sealed, or if the node with that UID is gone."""
        from components.operations.turn import return_to_source
        from components.operations.turn_annotations import find_same

        uid = _props.get("uid") or ""
        if _props.get("sealed") or find_same(self.work.cluster, _props["node"], uid=uid) is None:
            return
        return_to_source(self.work.working_cluster(), self.work.turn(_props["node"]))


class NodeDrain(Resource, module="migrate", name="NodeDrain"):
    """A drained node; `sealed` makes its deletion a no-op, once the old network is gone."""

    began: pulumi.Output[str]
    seconds: pulumi.Output[dict[str, float]]
    steps: pulumi.Output[list[dict[str, str]]]
    podsEvicted: pulumi.Output[int]  # noqa: N815 (the name in the stack's outputs)

    def __init__(
        self, name: str, *, node: str, uid: str, sealed: bool, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        outputs = ("podsEvicted", "began", "seconds", "steps")
        props = {"node": node, "uid": uid, "sealed": sealed, **dict.fromkeys(outputs)}
        super().__init__(NodeDrainProvider(), name, props, opts)

"""The second half of a node's turn: creation moves the labelled node to Cilium, deletion drains it for its return."""

import pulumi
from pulumi.dynamic import CreateResult, ReadResult, Resource, UpdateResult

from components.providers.shared.base import ClusterProvider, Properties, results

MIGRATED = "migrated"


class NodeCutOverProvider(ClusterProvider):
    """Creation: agent, CNI conf, recycle or reboot, verify, uncordon. Deletion: cordon and drain."""

    meaningful = ("sealed", "state")
    replacing = ("node",)
    identifying = ("uid",)

    def create(self, props: Properties) -> CreateResult:
        """Move the node to Cilium's network."""
        from components.operations.turn_annotations import assert_same

        assert_same(self.work.cluster, props["node"], uid=props.get("uid") or "")
        return CreateResult(id_=props["node"], outs=results(props, self._move(props["node"])))

    def _move(self, node: str) -> Properties:
        from components.operations.turn import move_to_cilium

        return move_to_cilium(self.work.working_cluster(), self.work.turn(node))

    def update(self, _id: str, _olds: Properties, _news: Properties) -> UpdateResult:
        """Seal or unseal, which touches nothing; a node on which a refresh found drift is moved again."""
        outcome = {"sealed": _news["sealed"], "state": MIGRATED, "uid": _olds.get("uid") or _news.get("uid")}
        if _olds.get("state", MIGRATED) != MIGRATED:
            outcome |= self._move(_news["node"])
        return UpdateResult(outs=results(_olds, outcome))

    def read(self, id_: str, props: Properties) -> ReadResult:
        """On refresh, detect drift since the turn; a node that left the cluster is removed from the state."""
        from components.operations.turn import drift
        from components.operations.turn_annotations import find_same

        node = find_same(self.work.cluster, id_, uid=props.get("uid") or "")
        if node is None:
            return ReadResult("", props)
        found = None if props.get("sealed") else drift(self.work.cluster, self.work.turn(id_))
        return ReadResult(id_, {**props, "uid": node.uid, "state": found or MIGRATED})

    def delete(self, _id: str, _props: Properties) -> None:
        """Drain the node for its return; nothing if it is sealed, or if the node with that UID is gone."""
        from components.operations.turn import empty_for_return
        from components.operations.turn_annotations import find_same

        uid = _props.get("uid") or ""
        if _props.get("sealed") or find_same(self.work.cluster, _props["node"], uid=uid) is None:
            return
        empty_for_return(self.work.working_cluster(), self.work.turn(_props["node"]))


class NodeCutOver(Resource, module="migrate", name="NodeCutOver"):
    """A node on Cilium's network, with the record of its turn."""

    finished: pulumi.Output[str]
    seconds: pulumi.Output[dict[str, float]]
    steps: pulumi.Output[list[dict[str, str]]]
    podsEvicted: pulumi.Output[int]  # noqa: N815 (the names in the stack's outputs)
    podsRecycled: pulumi.Output[int]  # noqa: N815
    restarted: pulumi.Output[bool]
    verified: pulumi.Output[dict[str, object]]

    def __init__(
        self, name: str, *, node: str, uid: str, sealed: bool, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        outputs = ("finished", "seconds", "steps", "podsEvicted", "podsRecycled", "restarted", "cniConf", "verified")
        props = {"node": node, "uid": uid, "sealed": sealed, "state": MIGRATED, **dict.fromkeys(outputs)}
        super().__init__(NodeCutOverProvider(), name, props, opts)

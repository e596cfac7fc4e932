"""A node's turn: creation moves the node to Cilium, deletion takes it back to the old network."""

import pulumi
from pulumi.dynamic import CreateResult, ReadResult, Resource, UpdateResult

from components.providers.shared.base import ClusterProvider, Properties, results

MIGRATED = "migrated"
_KEPT = ("began", "finished")  # the record of a turn is on its Node; the state of thousands has to be small


class NodeTurnProvider(ClusterProvider):
    """Creation: the steps there, or those that are left of them. Deletion: the steps back."""

    meaningful = ("sealed", "state")
    replacing = ("node",)
    identifying = ("uid",)

    def create(self, props: Properties) -> CreateResult:
        """Move the node to Cilium's network; the gates are asked unless it is being switched already."""
        from components.operations.gates.alerts import assert_none_firing
        from components.operations.gates.goldpinger import assert_all_healthy
        from components.operations.turn_annotations import TurnStep, assert_same, read_node, step_of

        node, cluster = props["node"], self.work.working_cluster()
        assert_same(cluster, node, uid=props.get("uid") or "")
        if step_of(read_node(cluster, node)) not in (TurnStep.SWITCHING, TurnStep.MIGRATED):
            gates = self.work.config.gates
            if gates.prometheus_url:
                assert_none_firing(gates.prometheus, ignore=gates.ignore_alerts)
            if gates.goldpinger_url:
                assert_all_healthy(gates.goldpinger)
        return CreateResult(id_=node, outs=results(props, self._move(node)))

    def _move(self, node: str) -> Properties:
        from components.operations.turn import go_there

        record = go_there(self.work.working_cluster(), self.work.turn(node))
        return {name: record.get(name) or "" for name in _KEPT}

    def update(self, _id: str, _olds: Properties, _news: Properties) -> UpdateResult:
        """Seal or unseal, which touches nothing; a node on which a refresh found drift is moved again."""
        outcome = {"sealed": _news["sealed"], "state": MIGRATED, "uid": _olds.get("uid") or _news.get("uid")}
        if _olds.get("state", MIGRATED) != MIGRATED:
            outcome |= self._move(_news["node"])
        return UpdateResult(outs=results({**_news, **{name: _olds.get(name) or "" for name in _KEPT}}, outcome))

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
        """Take the node back; nothing if it is sealed, or if the node with that UID is gone."""
        from components.operations.turn import go_back
        from components.operations.turn_annotations import find_same

        uid = _props.get("uid") or ""
        if _props.get("sealed") or find_same(self.work.cluster, _props["node"], uid=uid) is None:
            return
        go_back(self.work.working_cluster(), self.work.turn(_props["node"]))


class NodeTurn(Resource, module="migrate", name="NodeTurn"):
    """A node on Cilium's network; `sealed` makes its deletion a no-op, once the old network is gone."""

    began: pulumi.Output[str]
    finished: pulumi.Output[str]

    def __init__(
        self, name: str, *, node: str, uid: str, sealed: bool, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        props = {"node": node, "uid": uid, "sealed": sealed, "state": MIGRATED, **dict.fromkeys(_KEPT)}
        super().__init__(NodeTurnProvider(), name, props, opts)

"""The first half of a node's turn, as stacks of earlier versions hold it; they let go of it in their first run."""

from pulumi.dynamic import ReadResult

from components.providers.shared.base import ClusterProvider, Properties


class NodeDrainProvider(ClusterProvider):
    """A drained node. One that is moved is held by its turn; one that is not moved is taken back."""

    def read(self, id_: str, props: Properties) -> ReadResult:
        """On refresh, remove a node that left the cluster from the state, even if another has its name now."""
        from components.operations.turn_annotations import find_same

        node = find_same(self.work.cluster, id_, uid=props.get("uid") or "")
        return ReadResult(id_, {**props, "uid": node.uid}) if node else ReadResult("", props)

    def delete(self, _id: str, _props: Properties) -> None:
        """Take a node back whose turn was broken off, and is not gone on with."""
        from components.operations.turn import take_back, unfinished
        from components.operations.turn_annotations import find_same

        node, uid = _props["node"], _props.get("uid") or ""
        if _props.get("sealed") or find_same(self.work.cluster, node, uid=uid) is None:
            return
        if unfinished(self.work.cluster, [node]):
            take_back(self.work.working_cluster(), [self.work.turn(node)])

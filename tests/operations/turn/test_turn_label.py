"""The label of a node in its turn, where somebody else manages the node's labels too."""

from typing import Any

import pytest

from components.operations.cluster_api.api import Cluster
from components.operations.deadline import OperationError
from components.operations.turn import Turn, move_to_cilium, return_to_source
from components.operations.turn_steps.restart import Restart
from components.pods import OurPods
from components.strategies.hybrid.recipe import RECIPE
from stacks.sections.node import DrainSettings
from stacks.values import MIGRATED_LABEL

TURN = Turn(
    node="worker-1", recipe=RECIPE, cilium_namespace="kube-system", cilium_network="10.245.0.0/16",
    cni_conf="05-cilium.conflist", cni_folder="/etc/cni/net.d",
    label=MIGRATED_LABEL, source_title="Flannel", source_networks=("10.244.0.0/16",), drain=DrainSettings(),
    restart=Restart(
        method="recycle", command="", timeout_seconds=1, agent_timeout_seconds=1, cilium_namespace="kube-system",
        pods=OurPods(image="example"),
    ),
    agent_timeout_seconds=1, verify_timeout_seconds=1, pods=OurPods(image="example"),
)  # fmt: skip


class Kept(Cluster):
    """A node whose label is what somebody else wants, whatever is written."""

    def __init__(self, label: str | None) -> None:
        self._labels = {MIGRATED_LABEL: label} if label else {}
        self.written: list[Any] = []

    def get(self, path: str, **_query: Any) -> dict[str, Any]:
        assert path == "/api/v1/nodes/worker-1"
        return {"metadata": {"name": "worker-1", "labels": self._labels}, "spec": {}, "status": {}}

    find = get

    def patch(self, path: str, body: dict[str, Any], *, strategic: bool = False) -> dict[str, Any]:
        if labels := body.get("metadata", {}).get("labels"):
            self.written.append(labels[MIGRATED_LABEL])
        return {}

    def mention(self, _path: str, _body: Any) -> None:
        return None


def test_a_label_that_does_not_stay_on_ends_the_turn_before_anything_else() -> None:
    cluster = Kept(None)
    with pytest.raises(OperationError, match=r"worker-1: label .*=true was set and is taken off again: have whoever"):
        move_to_cilium(cluster, TURN)
    assert cluster.written == ["true"]


def test_a_label_that_does_not_go_ends_the_way_back_before_anything_else() -> None:
    cluster = Kept("true")
    with pytest.raises(OperationError, match=r"worker-1: label .* was taken off and is set again, somebody else holds"):
        return_to_source(cluster, TURN)
    assert cluster.written == [None]

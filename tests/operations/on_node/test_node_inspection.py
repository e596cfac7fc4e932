"""Inspection of Ready Linux nodes; facts of others stay, those of nodes that are gone go."""

import json
from typing import Any

import pytest

from components.operations import node_inspection
from components.operations.cluster_api.api import Cluster
from components.operations.deadline import OperationError
from components.operations.node_inspection import inspect_nodes
from components.pods import OurPods

SEEN = {
    "cni_conf": [],
    "interfaces": {"eth0": 1500, "lxc1": 1500},
    "routes": [["10.9.0.0/16", "tun0"]],
    "udp_ports": [],
}


class Nodes(Cluster):
    """Nodes by name, and the ConfigMaps of what was seen; `dying` become NotReady while they are looked at."""

    def __init__(self, **nodes: dict[str, Any]) -> None:
        self.nodes = nodes
        self.maps: dict[str, dict[str, str]] = {"facts": {"gone": "{}", "old": '{"old": 1}'}}

    def _node(self, name: str) -> dict[str, Any]:
        each = self.nodes[name]
        conditions = [{"type": "Ready", "status": "True" if each.get("ready", True) else "False"}]
        return {"metadata": {"name": name, "labels": each.get("labels", {})}, "status": {"conditions": conditions}}

    def list(self, path: str, **_query: Any) -> list[dict[str, Any]]:
        if path == "/api/v1/nodes":
            return [self._node(name) for name in self.nodes]
        return [{"metadata": {"name": name}, "data": data} for name, data in self.maps.items()]

    def find(self, path: str, **_query: Any) -> dict[str, Any] | None:
        name = path.rpartition("/")[2]
        return self._node(name) if name in self.nodes else None

    def create(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self.maps[body["metadata"]["name"]] = body["data"]
        return body

    def delete(self, path: str, **_options: Any) -> bool:
        return self.maps.pop(path.rpartition("/")[2], None) is not None


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The event on each node that is looked at, by its name."""
    what: dict[str, Any] = {}

    def run(cluster: Nodes, name: str, *_: Any, **__: Any) -> dict[str, Any]:
        what.setdefault("asked", []).append(name)
        if name in what:
            what[name](cluster)
            raise OperationError(f"node {name}: the pod did not start")
        return SEEN

    monkeypatch.setattr(node_inspection, "run_on_node", run)
    return what


def test_ready_linux_nodes_are_looked_at_and_what_is_known_of_others_stays(shell: dict[str, Any]) -> None:
    cluster = Nodes(
        new={}, old={}, dead={"ready": False}, windows={"labels": {"kubernetes.io/os": "windows"}},
        virtual={"labels": {"type": "virtual-kubelet"}},
    )  # fmt: skip
    facts = inspect_nodes(cluster, ["new", "dead", "windows", "virtual", "never-there"], pods=OurPods(image="example"))
    assert shell["asked"] == ["new"]
    assert list(facts) == ["new"]
    assert sorted(cluster.maps["facts"]) == ["new", "old"], "of a node that is gone nothing is kept"
    assert cluster.maps["facts"]["old"] == '{"old": 1}'
    assert json.loads(cluster.maps["facts"]["new"])["interfaces"] == {"eth0": 1500}


def test_a_node_that_dies_while_it_is_looked_at_stops_nobody(shell: dict[str, Any]) -> None:
    cluster = Nodes(one={}, two={}, three={})
    shell["two"] = lambda seen: seen.nodes["two"].update(ready=False)
    shell["three"] = lambda seen: seen.nodes.pop("three")
    assert list(inspect_nodes(cluster, ["one", "two", "three"], pods=OurPods(image="example"))) == ["one"]


def test_a_ready_node_that_cannot_be_looked_at_stops_the_run(shell: dict[str, Any]) -> None:
    shell["two"] = lambda _: None
    with pytest.raises(OperationError, match="node two: the pod did not start"):
        inspect_nodes(Nodes(one={}, two={}), ["one", "two"], pods=OurPods(image="example"))

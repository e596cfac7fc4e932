"""The taint that Cilium's operator leaves behind is taken off once both are gone, and no other."""

from typing import Any

import pytest

from components.operations.deadline import OperationError
from components.operations.removal.cilium_taints import KEY, remove_left_taints
from tests.turns.api import Client, Objects

OURS = {"key": KEY, "effect": "NoSchedule"}
GPU = {"key": "nvidia.com/gpu", "effect": "NoSchedule"}


def cluster(*, installed: bool = False, operator: bool = False, **taints: list[dict[str, Any]]) -> Objects:
    objects = Objects()
    for name, each in taints.items():
        objects.add("/api/v1/nodes", {"metadata": {"name": name}, "spec": {"taints": each}})
    if installed:
        objects.add("/api/v1/namespaces/kube-system/configmaps", {"metadata": {"name": "cilium-config"}, "data": {}})
    if operator:
        labels = {"io.cilium/app": "operator"}
        objects.add("/api/v1/namespaces/kube-system/pods", {"metadata": {"name": "operator-x", "labels": labels}})
    return objects


def left_on(objects: Objects, name: str) -> list[str]:
    node = objects.by_path[f"/api/v1/nodes/{name}"]
    return [each["key"] for each in node["spec"].get("taints") or []]


def test_it_is_taken_off_and_others_stay() -> None:
    objects = cluster(one=[OURS], two=[GPU, OURS, {**OURS, "effect": "NoExecute"}], three=[GPU])
    assert remove_left_taints(Client(objects), namespace="kube-system") == ["one", "two"]
    assert [left_on(objects, name) for name in ("one", "two", "three")] == [[], ["nvidia.com/gpu"], ["nvidia.com/gpu"]]
    assert remove_left_taints(Client(objects), namespace="kube-system") == []


def test_of_a_cilium_that_is_installed_it_is_its_own() -> None:
    objects = cluster(installed=True, one=[OURS])
    assert remove_left_taints(Client(objects), namespace="kube-system") == []
    assert left_on(objects, "one") == [KEY]


def test_an_operator_that_stays_would_set_it_again() -> None:
    objects = cluster(operator=True, one=[OURS])
    with pytest.raises(OperationError, match=r"pod operator-x is there.*`kubectl taint nodes one node.cilium.io"):
        remove_left_taints(Client(objects), namespace="kube-system", seconds=0.1)


def test_who_may_not_change_nodes_is_told_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    from components.operations.cluster_api.errors import ClusterError

    def refuse(*_: Any, **__: Any) -> Any:
        raise ClusterError("nodes is forbidden", status=403)

    client = Client(cluster(one=[OURS]))
    monkeypatch.setattr(client, "patch", refuse)
    with pytest.raises(OperationError, match=r"node one keeps the taint .*: `kubectl taint nodes one \S+-`"):
        remove_left_taints(client, namespace="kube-system")

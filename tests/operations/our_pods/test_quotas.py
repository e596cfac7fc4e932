"""Quotas, and the shares of pods in them, by all of their names."""

from typing import Any

from components.operations.cluster_api.api import Cluster
from components.operations.our_pods.quotas import read_quotas, taken_by


class Listed(Cluster):
    def __init__(self, *items: dict[str, Any]) -> None:
        self._items = list(items)

    def list(self, path: str, **_query: Any) -> list[dict[str, Any]]:
        return self._items


def test_room_is_what_is_left_and_scopes_count_others() -> None:
    plain = {"metadata": {"name": "q"}, "status": {"hard": {"limits.cpu": "2", "pods": "9"}, "used": {"pods": "7"}}}
    scoped = {"metadata": {"name": "s"}, "spec": {"scopes": ["BestEffort"]}, "status": {"hard": {"pods": "0"}}}
    classed = {"metadata": {"name": "c"}, "spec": {"scopeSelector": {}}, "status": {"hard": {"pods": "0"}}}
    (quota, other) = read_quotas(Listed(plain, scoped, classed), "ours")
    assert (quota.room, quota.namespace) == ({"limits.cpu": 2, "pods": 2}, "ours")
    assert other.name == "c"  # an empty selector selects all
    assert quota.lacking({"pods": 3, "limits.cpu": 2, "configmaps": 50}) == ["pods"]


def test_a_pod_takes_by_every_name() -> None:
    container = {"resources": {"requests": {"cpu": "500m"}, "limits": {"cpu": "1", "memory": "1Ki"}}}
    pod = {"spec": {"containers": [container, {}]}}
    assert taken_by([pod, pod]) == {
        "pods": 2, "count/pods": 2, "cpu": 1, "requests.cpu": 1, "limits.cpu": 2, "limits.memory": 2048,
    }  # fmt: skip

"""Renewing a node's pods one by one, against a real API server: each may come back on the node that it left."""

import threading
import time
from typing import Any

import pytest

from components.operations.cluster_api.api import Cluster
from components.operations.deadline import OperationError
from components.operations.objects.model import Pod
from components.operations.progress import Progress
from components.operations.turn.in_place import renew_one_by_one
from stacks.sections.node import DrainSettings
from tests.operations.conftest import Space, eventually
from tests.operations.draining.site import counted, here

pytestmark = pytest.mark.apiserver


def renew(cluster: Cluster, node: str, old: set[str], **options: Any) -> list[str]:
    defaults = {"timeout_seconds": 30, "replacements_timeout_seconds": 30, "in_place": True}
    settings = DrainSettings.model_construct(**{**defaults, **options})
    return renew_one_by_one(
        cluster, node, options=settings, stale=lambda pod: pod.uid in old, network="Flannel", progress=Progress(node, 7)
    )


def uids(space: Space, app: str) -> set[str]:
    return {pod["metadata"]["uid"] for pod in space.pods(app)}


class Fewest:
    """The fewest Ready pods of an app at any moment while the block runs."""

    def __init__(self, space: Space, app: str) -> None:
        self.found = len(space.ready(app))
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, args=(space, app))

    def _look(self, space: Space, app: str) -> None:
        while not self._over.is_set():
            self.found = min(self.found, len(space.ready(app)))
            time.sleep(0.02)

    def __enter__(self) -> "Fewest":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def test_pinned_pods_come_back_one_by_one_and_no_two_are_away_at_once(
    cluster: Cluster, node: str, space: Space
) -> None:
    space.deployment("web", replicas=4, **here(node))
    eventually(lambda: len(space.ready("web")) == 4)
    old = uids(space, "web")
    with Fewest(space, "web") as fewest:
        assert len(renew(cluster, node, old)) == 4
    assert fewest.found >= 3
    assert len(space.ready("web")) == 4
    assert not old & uids(space, "web")
    assert renew(cluster, node, old) == []


def test_only_pods_with_an_old_address_are_renewed(cluster: Cluster, node: str, space: Space) -> None:
    space.deployment("web", replicas=2, **here(node))
    space.deployment("host", replicas=1, hostNetwork=True, **here(node))
    eventually(lambda: len(space.ready("web")) == 2 and len(space.ready("host")) == 1)
    web, host = uids(space, "web"), uids(space, "host")
    fresh = web.pop()
    assert len(renew(cluster, node, web | host)) == 1
    assert fresh in uids(space, "web")
    assert uids(space, "host") == host


def test_a_pod_held_by_its_budget_goes_to_the_back_and_is_named_at_the_end(
    cluster: Cluster, node: str, space: Space, capsys: pytest.CaptureFixture[str]
) -> None:
    space.deployment("aa-held", replicas=2, **here(node))
    space.deployment("web", replicas=2, **here(node))
    space.budget("pdb", app="aa-held", min_available=2)
    eventually(lambda: len(space.ready("aa-held")) == 2 and len(space.ready("web")) == 2)
    counted(space, "pdb", healthy=2)
    old = uids(space, "aa-held") | uids(space, "web")
    with pytest.raises(OperationError, match="2 of 4 pods not on Flannel in 6 s") as caught:
        renew(cluster, node, old, timeout_seconds=6)
    assert str(caught.value).count(f"budget {space.name}/pdb needs 2 available, has 2") == 2
    assert not old & uids(space, "web")
    assert "2 of 4 pods renewed" in capsys.readouterr().err


def test_a_pod_that_nothing_re_creates_is_refused_before_any_other_goes(
    cluster: Cluster, node: str, space: Space
) -> None:
    space.deployment("web", replicas=2, **here(node))
    lone = space.pod_spec("lone", **here(node))
    cluster.create(space.path("pods"), {"kind": "Pod", "apiVersion": "v1", **lone, "metadata": {"name": "lone"}})
    eventually(lambda: len(space.ready("web")) == 2)
    eventually(lambda: Pod.read(cluster.get(space.path("pods", "lone"))).ready)
    old = uids(space, "web") | {cluster.get(space.path("pods", "lone"))["metadata"]["uid"]}
    with pytest.raises(OperationError, match=r"nothing was evicted:\n  pod .*/lone has no controller"):
        renew(cluster, node, old)
    assert old >= uids(space, "web")


def test_a_replacement_that_does_not_come_up_stops_it_there(cluster: Cluster, node: str, space: Space) -> None:
    space.deployment("web", replicas=3, **here(node))
    eventually(lambda: len(space.ready("web")) == 3)
    old = uids(space, "web")
    cluster.patch(f"/api/v1/nodes/{node}", {"spec": {"unschedulable": True}})
    with pytest.raises(OperationError, match=r"replacements of its pods: not within 3 s: Deployment .*/web has 2 of 3"):
        renew(cluster, node, old, replacements_timeout_seconds=3)
    assert len(old & uids(space, "web")) == 2

"""Workloads that must stay ready: looked at until they have been so for a while."""

import pytest

from components.operations.deadline import OperationError
from components.operations.required_workloads import not_ready, wait_for_watched
from tests.checks.site import SHOP, Site

pytestmark = pytest.mark.apiserver
NAME = f"DaemonSet {SHOP}/store"
PATH = f"/apis/apps/v1/namespaces/{SHOP}/daemonsets/store"


def status(ready: int, wanted: int, *, seen: int = 1) -> dict[str, int]:
    return {"numberReady": ready, "desiredNumberScheduled": wanted, "observedGeneration": seen}


def test_numbers_are_those_of_the_present_spec(site: Site) -> None:
    site.daemon_set("store", status=status(2, 2))
    assert not_ready(site.cluster, [NAME]) == {}
    site.cluster.patch(PATH, {"spec": {"minReadySeconds": 1}})
    assert not_ready(site.cluster, [NAME, f"Deployment {SHOP}/none"]) == {
        NAME: "was changed, and its controller has not counted its pods since",
        f"Deployment {SHOP}/none": "does not exist",
    }
    site.cluster.patch(f"{PATH}/status", {"status": status(2, 3, seen=2)})
    assert not_ready(site.cluster, [NAME]) == {NAME: "has 2 of 3 pods ready"}


def test_what_does_not_get_well_is_told_with_numbers_node_and_command(site: Site) -> None:
    site.daemon_set("store", status=status(1, 2))
    with pytest.raises(OperationError) as caught:
        wait_for_watched(site.cluster, "worker-1", [NAME], timeout_seconds=1)
    told = str(caught.value)
    assert told.startswith("node worker-1: ")
    assert f"{NAME} has 1 of 2 pods ready, `kubectl -n {SHOP} describe daemonset store` says why" in told
    assert "`pulumi up` goes on" in told

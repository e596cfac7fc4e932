"""Workloads that must stay ready: looked at until they have been so for a while."""

import threading
import time

import pytest

from components.operations.deadline import OperationError
from components.operations.required import not_ready, wait_for_watched
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


def test_one_good_look_is_not_enough(site: Site) -> None:
    """A workload that loses a pod while it is looked at is waited for anew."""
    site.daemon_set("store", status=status(2, 2))
    well_again = 0.0

    def ill_for_a_while() -> None:
        nonlocal well_again
        time.sleep(0.7)
        site.cluster.patch(f"{PATH}/status", {"status": status(1, 2)})
        time.sleep(1.5)
        well_again = time.monotonic()
        site.cluster.patch(f"{PATH}/status", {"status": status(2, 2)})

    falling_ill = threading.Thread(target=ill_for_a_while)
    falling_ill.start()
    wait_for_watched(site.cluster, "worker-1", [NAME], timeout_seconds=30, steady_seconds=1.5)
    ended = time.monotonic()
    falling_ill.join()
    assert ended - well_again >= 1.5


def test_what_does_not_get_well_is_told_with_numbers_node_and_command(site: Site) -> None:
    site.daemon_set("store", status=status(1, 2))
    with pytest.raises(OperationError) as caught:
        wait_for_watched(site.cluster, "worker-1", [NAME], timeout_seconds=1)
    told = str(caught.value)
    assert told.startswith("node worker-1: ")
    assert f"{NAME} has 1 of 2 pods ready, `kubectl -n {SHOP} describe daemonset store` says why" in told
    assert "`pulumi up` goes on" in told

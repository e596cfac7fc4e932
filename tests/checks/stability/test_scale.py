"""The number of API requests grows only with the pages of lists, never with one call per pod or node."""

import math
import re
from collections import Counter

import pytest

from components.operations.cluster_api.api import PAGE_SIZE
from components.plan import examine
from scripts.bench.large_cluster import fill
from scripts.lab.simulated.control_plane import ControlPlane

pytestmark = pytest.mark.apiserver
_COUNTER = re.compile(r"^apiserver_request_total\{(?P<labels>.*)\} (?P<count>\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')
FEW, MANY = (5, 40), (15, PAGE_SIZE + 40)


def requests(plane: ControlPlane) -> Counter[tuple[str, str]]:
    """All requests that the API server has had, by (verb, resource)."""
    found: Counter[tuple[str, str]] = Counter()
    for line in _COUNTER.finditer(plane.get("/metrics").decode()):
        labels = dict(_LABEL.findall(line["labels"]))
        if labels["resource"]:  # not what the server asks itself, such as its own document of the API
            found[labels["verb"], f"{labels['resource']}/{labels['subresource']}".strip("/")] += int(line["count"])
    return found


def asked_for(plane: ControlPlane) -> Counter[tuple[str, str]]:
    """The requests of one reading of the cluster."""
    before = requests(plane)
    plan = examine({}, kubeconfig=str(plane.kubeconfig))
    assert plan.snapshot.pods
    return requests(plane) - before


def test_requests_grow_by_pages_alone() -> None:
    with ControlPlane() as plane:
        fill(plane, nodes=FEW[0], pods=FEW[1])
        few = asked_for(plane)
        fill(plane, nodes=MANY[0], pods=MANY[1])
        many = asked_for(plane)
        assert len(examine({}, kubeconfig=str(plane.kubeconfig)).snapshot.pods) == MANY[1]
    assert few["LIST", "pods"] == 1
    assert many["LIST", "pods"] == math.ceil(MANY[1] / PAGE_SIZE)
    # Our own pods are tried in a dry run, each kind once.
    assert [kind for kind in many if kind[1].startswith("pods") and kind[0] not in ("LIST", "POST", "WATCH")] == []
    assert few["POST", "pods"] == many["POST", "pods"] == 3
    # The server's own watches end and begin again now and then, and it renews its Lease.
    not_ours = {("LIST", "pods"), ("GET", "leases")}
    ours = {kind for kind in few | many if kind[0] not in ("WATCH", "PUT") and kind not in not_ours}
    assert {kind: many[kind] - few[kind] for kind in ours if many[kind] > few[kind]} == {}
    assert sum(few[kind] for kind in ours) < 80

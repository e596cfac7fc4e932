"""Calico's address detection, moved and moved back, on a real API server that knows Calico's kinds."""

from typing import Any

import pytest

from components.operations.api import Cluster
from components.operations.autodetection import (
    ADDRESS,
    BEFORE,
    FROM_KUBERNETES,
    can_be_fooled,
    prepare_autodetection,
    restore_autodetection,
)
from components.operations.deadline import OperationError
from components.operations.observing import observe
from components.operations.progress import Progress
from components.sources import SourceDescription, describe, fooled_families, source_of
from tests.checks.site import Site
from tests.sources.agents import Agents, variables
from tests.sources.clusters import VXLAN, SourceCluster
from tests.sources.test_clusters import build, read
from tests.sources.upstream import Object, calico, changed, environment, operator

pytestmark = pytest.mark.apiserver
INSTALLATION = "/apis/operator.tigera.io/v1/installations/default"
DAEMON_SET = "/apis/apps/v1/namespaces/{}/daemonsets/calico-node"
METHOD = "IP_AUTODETECTION_METHOD"


@pytest.fixture
def addressed(site: Site) -> Site:
    """The nodes with addresses of their own."""
    for number, path in enumerate(list(site.made), start=1):
        status = {"addresses": [{"type": "InternalIP", "address": f"192.0.2.{number}"}]}
        site.cluster.patch(f"{path}/status", {"status": status})
    return site


def made(site: Site, objects: list[Object]) -> SourceDescription:
    build(site, SourceCluster(name="", objects=lambda: objects))
    return describe(observe(site.cluster, cilium_namespace="kube-system"))


def prepare(cluster: Cluster, source: SourceDescription, *, seconds: float = 20) -> str:
    way = source_of(source).way
    assert way
    return prepare_autodetection(
        cluster, way(source), fooled_families(source), timeout_seconds=seconds, progress=Progress("Calico", 1)
    )


def restore(cluster: Cluster, source: SourceDescription) -> str:
    way = source_of(source).way
    assert way
    return restore_autodetection(cluster, way(source), timeout_seconds=20, progress=Progress("Calico", 1))


def addresses(cluster: Cluster) -> list[str]:
    return [each["metadata"]["annotations"].get(ADDRESS, "") for each in cluster.list("/api/v1/nodes")]


def by_manifest(**values: str) -> list[Object]:
    return changed([*calico("calico-vxlan"), VXLAN], "DaemonSet", environment(**values))


@pytest.mark.parametrize(
    "values",
    [{}, {METHOD: "can-reach=192.0.2.9"}, {METHOD: "skip-interface=docker.*"}],
    ids=["unset", "can-reach", "skip-interface"],
)
def test_the_variable_of_the_manifest(addressed: Site, values: dict[str, str]) -> None:
    source = made(addressed, by_manifest(**values))
    cluster, path = addressed.cluster, DAEMON_SET.format("kube-system")
    before = cluster.get(path)["spec"]
    with Agents(cluster, namespace="kube-system"):
        prepare(cluster, source)
        assert variables(cluster.get(path))[METHOD]["value"] == FROM_KUBERNETES
        assert addresses(cluster) == ["192.0.2.1/24", "192.0.2.2/24"]
        restore(cluster, source)
        assert cluster.get(path)["spec"] == before
        assert BEFORE not in (cluster.get(path)["metadata"].get("annotations") or {})


@pytest.mark.parametrize(
    "setting", [{}, {"nodeAddressAutodetectionV4": {"canReach": "192.0.2.9"}}], ids=["unset", "can-reach"]
)
def test_the_installation_of_the_operator(addressed: Site, setting: dict[str, Any]) -> None:
    source = made(addressed, operator(VXLAN, **setting))
    cluster = addressed.cluster
    before = cluster.get(INSTALLATION)["spec"]
    with Agents(cluster, namespace="calico-system", operator=True):
        prepare(cluster, source)
        network = cluster.get(INSTALLATION)["spec"]["calicoNetwork"]
        assert network["nodeAddressAutodetectionV4"] == {"kubernetes": "NodeInternalIP"}
        assert addresses(cluster) == ["192.0.2.1/24", "192.0.2.2/24"]
        restore(cluster, source)
        assert cluster.get(INSTALLATION)["spec"] == before


def test_done_again_it_keeps_what_was_there_first(addressed: Site) -> None:
    """A run that was killed after its change notes nothing anew, and the way back still leads to the beginning."""
    source = made(addressed, by_manifest(**{METHOD: "can-reach=192.0.2.9"}))
    cluster, path = addressed.cluster, DAEMON_SET.format("kube-system")
    with Agents(cluster, namespace="kube-system"):
        prepare(cluster, source)
        again = describe(observe(cluster, cilium_namespace="kube-system"))
        assert (again.autodetection, fooled_families(again)) == ("can-reach=192.0.2.9", (4,))
        prepare(cluster, again)
        restore(cluster, again)
        assert restore(cluster, again) == ""
    assert variables(cluster.get(path))[METHOD]["value"] == "can-reach=192.0.2.9"


def test_agents_that_do_not_start_are_named(addressed: Site) -> None:
    source = made(addressed, by_manifest())
    with (
        Agents(addressed.cluster, namespace="kube-system", deaf=True),
        pytest.raises(OperationError, match=r"every agent with the new setting.*0 of \d Calico agents started anew"),
    ):
        prepare(addressed.cluster, source, seconds=2)


def test_nodes_with_a_wrong_address_are_named(addressed: Site) -> None:
    source = made(addressed, by_manifest())
    told = r"node worker-1 has 10.245.0.7/24, its own are 192.0.2.1; node worker-2.*Cilium was not installed"
    with (
        Agents(addressed.cluster, namespace="kube-system", blind=True),
        pytest.raises(OperationError, match=told),
    ):
        prepare(addressed.cluster, source, seconds=3)


def test_an_operator_that_sleeps_is_named(addressed: Site) -> None:
    source = made(addressed, operator(VXLAN))
    with (
        Agents(addressed.cluster, namespace="calico-system"),
        pytest.raises(OperationError, match=r"IP_AUTODETECTION_METHOD is 'not set'.*does Calico's operator run"),
    ):
        prepare(addressed.cluster, source, seconds=2)


def test_addresses_that_would_move_are_refused(addressed: Site) -> None:
    """Nodes with two interfaces, of which Calico took the other: moving the detection would move their tunnels."""
    build(addressed, SourceCluster(name="", objects=by_manifest))
    annotation = {"metadata": {"annotations": {ADDRESS: "198.51.100.1/24"}}}
    addressed.cluster.patch("/api/v1/nodes/worker-1", annotation)
    context = read(addressed, SourceCluster(name="", objects=list))
    (found,) = [each.line for each in addressed.found("autodetection", phase="secondary")]
    assert "worker-1 (198.51.100.1, not 192.0.2.1)" in found
    assert context.source.kind == "calico"


@pytest.mark.parametrize(
    ("method", "fooled"),
    [
        ("first-found", True), ("skip-interface=docker.*", True), ("can-reach=8.8.8.8", True), ("", False),
        ("interface=eth0", False), ("cidr=192.0.2.0/24", False), ("kubernetes-internal-ip", False),
    ],
)  # fmt: skip
def test_ways_that_can_come_upon_an_interface_of_cilium(method: str, fooled: bool) -> None:
    assert can_be_fooled(method) is fooled

"""Calico's address detection, moved and moved back, on a real API server that knows Calico's kinds."""

from typing import Any

import pytest

from components.operations.cluster_api.api import Cluster
from components.operations.deadline import OperationError
from components.operations.progress import Progress
from components.sources import SourceDescription, describe, fooled_families, source_of
from components.sources.calico.detection_methods import FROM_KUBERNETES
from components.sources.calico.moved_autodetection import (
    ADDRESS,
    BEFORE,
    prepare_autodetection,
    restore_autodetection,
)
from components.sources.observing import observe
from scripts.lab.simulated.control_plane import ControlPlane
from tests.checks.site import Site
from tests.commands.printed import commands_in
from tests.remedies import type_in
from tests.sources.agents import Agents, variables
from tests.sources.making_clusters import VXLAN, SourceCluster
from tests.sources.test_clusters import build, read
from tests.sources.upstream import Object, calico, changed, environment, operator

pytestmark = pytest.mark.apiserver
INSTALLATION = "/apis/operator.tigera.io/v1/installations/default"
DAEMON_SET = "/apis/apps/v1/namespaces/{}/daemonsets/calico-node"
METHOD = "IP_AUTODETECTION_METHOD"


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
def test_the_variable_of_the_manifest(site: Site, values: dict[str, str]) -> None:
    source = made(site, by_manifest(**values))
    cluster, path = site.cluster, DAEMON_SET.format("kube-system")
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
def test_the_installation_of_the_operator(site: Site, setting: dict[str, Any]) -> None:
    source = made(site, operator(VXLAN, **setting))
    cluster = site.cluster
    before = cluster.get(INSTALLATION)["spec"]
    with Agents(cluster, namespace="calico-system", operator=True):
        prepare(cluster, source)
        network = cluster.get(INSTALLATION)["spec"]["calicoNetwork"]
        assert network["nodeAddressAutodetectionV4"] == {"kubernetes": "NodeInternalIP"}
        assert addresses(cluster) == ["192.0.2.1/24", "192.0.2.2/24"]
        restore(cluster, source)
        assert cluster.get(INSTALLATION)["spec"] == before


def test_done_again_it_keeps_what_was_there_first(site: Site) -> None:
    """A run that was killed after its change notes nothing anew, and the way back still leads to the beginning."""
    source = made(site, by_manifest(**{METHOD: "can-reach=192.0.2.9"}))
    cluster, path = site.cluster, DAEMON_SET.format("kube-system")
    with Agents(cluster, namespace="kube-system"):
        prepare(cluster, source)
        again = describe(observe(cluster, cilium_namespace="kube-system"))
        assert (again.autodetection, fooled_families(again)) == ("can-reach=192.0.2.9", (4,))
        prepare(cluster, again)
        restore(cluster, again)
        assert restore(cluster, again) == ""
    assert variables(cluster.get(path))[METHOD]["value"] == "can-reach=192.0.2.9"


def test_agents_that_do_not_start_are_named(site: Site) -> None:
    source = made(site, by_manifest())
    with (
        Agents(site.cluster, namespace="kube-system", deaf=True),
        pytest.raises(OperationError, match=r"every agent with the new setting.*0 of \d Calico agents started anew"),
    ):
        prepare(site.cluster, source, seconds=2)


def test_nodes_with_a_wrong_address_are_named(site: Site) -> None:
    source = made(site, by_manifest())
    told = r"node worker-1 has 10.245.0.7/24, its own are 192.0.2.1; node worker-2.*Cilium was not installed"
    with (
        Agents(site.cluster, namespace="kube-system", blind=True),
        pytest.raises(OperationError, match=told),
    ):
        prepare(site.cluster, source, seconds=3)


def test_an_operator_that_sleeps_is_named(site: Site) -> None:
    source = made(site, operator(VXLAN))
    with (
        Agents(site.cluster, namespace="calico-system"),
        pytest.raises(OperationError, match=r"IP_AUTODETECTION_METHOD is 'not set'.*does Calico's operator run"),
    ):
        prepare(site.cluster, source, seconds=2)


@pytest.mark.executes("kubectl -n {} get pods -o wide")
def test_addresses_that_would_move_are_refused(site: Site, plane: ControlPlane) -> None:
    """Nodes with two interfaces, of which Calico took the other: moving the detection would move their tunnels."""
    build(site, SourceCluster(name="", objects=by_manifest))
    annotation = {"metadata": {"annotations": {ADDRESS: "198.51.100.1/24"}}}
    site.cluster.patch("/api/v1/nodes/worker-1", annotation)
    context = read(site, SourceCluster(name="", objects=list))
    moved, silent = [each.line for each in site.found("autodetection", phase="secondary")]
    assert "worker-1 (198.51.100.1, not 192.0.2.1)" in moved
    assert "gave no IPv4 address to 1 node (worker-2)" in silent
    assert context.source.kind == "calico"
    for command in commands_in(silent):
        type_in(command, plane=plane)

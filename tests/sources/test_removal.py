"""Objects of an old CNI that are removed from the API at the end, and those that stay, on a real API server."""

import threading
import time

import pytest

from components.operations.cluster_api.api import Cluster
from components.operations.removal.source_objects import Removed
from components.operations.removal.sweep import say_network_is_there
from components.sources import describe, source_of
from components.sources.observing import observe
from tests.checks.site import Site
from tests.sources import upstream
from tests.sources.conftest import KINDS, define_kinds, wait_until_kinds_are_gone
from tests.sources.making_clusters import VXLAN, SourceCluster, kindnet
from tests.sources.test_clusters import build
from tests.sources.upstream import Object, calico, flannel, operator

pytestmark = pytest.mark.apiserver
RBAC = "/apis/rbac.authorization.k8s.io/v1"
FOLDERS = (
    "/apis/apps/v1/daemonsets", "/apis/apps/v1/deployments", "/apis/policy/v1/poddisruptionbudgets",
    "/api/v1/configmaps", "/api/v1/services", "/api/v1/serviceaccounts", f"{RBAC}/clusterroles",
    f"{RBAC}/clusterrolebindings",
)  # fmt: skip


def names(cluster: Cluster) -> set[str]:
    found = set()
    for folder in FOLDERS:
        for item in cluster.list(folder):
            metadata = item["metadata"]
            found.add(f"{folder.rpartition('/')[2]} {metadata.get('namespace', '')}/{metadata['name']}")
    return found


def remove(site: Site) -> Removed:
    source = describe(observe(site.cluster, cilium_namespace="kube-system"))
    return source_of(source).remove_objects(site.cluster, source, timeout_seconds=20)


def calicos_kinds(cluster: Cluster, *words: str) -> list[str]:
    """Those left once all that is being deleted is gone."""
    wait_until_kinds_are_gone(cluster)
    names = [each["metadata"]["name"] for each in cluster.list(KINDS)]
    return [name for name in names if any(word in name for word in words)]


@pytest.fixture
def with_kinds(site: Site) -> Site:
    """Calico's kinds, which the test before may have removed."""
    define_kinds(site.cluster)
    return site


@pytest.mark.parametrize(
    "objects",
    [flannel(), calico("canal"), [*calico("calico-typha"), VXLAN], kindnet("10.244.0.0/16")],
    ids=["flannel", "canal", "calico", "kindnet"],
)
def test_all_that_its_manifest_brought_goes(with_kinds: Site, objects: list[Object]) -> None:
    site = with_kinds
    before = names(site.cluster)
    build(site, SourceCluster(name="", objects=lambda: objects))
    assert names(site.cluster) > before
    found = remove(site)
    assert names(site.cluster) == before
    assert found.kept == ()
    if any(each["kind"] == "ConfigMap" and "cni_network_config" in each["data"] for each in objects):
        assert calicos_kinds(site.cluster, "crd.projectcalico.org") == []


def test_done_twice_it_does_nothing(with_kinds: Site) -> None:
    """Also while a kind is still going: its objects may take their time."""
    build(with_kinds, SourceCluster(name="", objects=lambda: [*calico("calico-vxlan"), VXLAN]))
    slow = f"{KINDS}/networksets.crd.projectcalico.org"
    with_kinds.cluster.patch(slow, {"metadata": {"finalizers": ["test/slow"]}})
    source = describe(observe(with_kinds.cluster, cilium_namespace="kube-system"))
    for removed in (True, False):
        found = source_of(source).remove_objects(with_kinds.cluster, source, timeout_seconds=20)
        assert bool(found.removed) is removed
    with_kinds.cluster.patch(slow, {"metadata": {"finalizers": []}})


def test_policies_that_people_wrote_are_kept(with_kinds: Site) -> None:
    site = with_kinds
    policy = upstream.calico_object("GlobalNetworkPolicy", "deny-out", selector="all()", types=["Egress"])
    build(site, SourceCluster(name="", objects=lambda: [*calico("calico-vxlan"), VXLAN, policy]))
    found = remove(site)
    (kept,) = found.kept
    assert kept.startswith("CustomResourceDefinition globalnetworkpolicies.crd.projectcalico.org, as 1 objects")
    assert site.cluster.find("/apis/crd.projectcalico.org/v1/globalnetworkpolicies/deny-out")


def test_rights_that_others_have_too_are_kept(with_kinds: Site) -> None:
    """A ClusterRole that somebody else is bound to as well, and a binding that names others besides."""
    site = with_kinds
    build(site, SourceCluster(name="", objects=lambda: calico("canal")))
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "flannel"}
    other = {"kind": "ServiceAccount", "namespace": "shop", "name": "store"}
    own = {"kind": "ServiceAccount", "namespace": "kube-system", "name": "canal"}
    view = {**role, "name": "view"}
    site.add(f"{RBAC}/clusterrolebindings", {"metadata": {"name": "store"}, "subjects": [other], "roleRef": role})
    site.add(f"{RBAC}/clusterrolebindings", {"metadata": {"name": "both"}, "subjects": [own, other], "roleRef": view})
    remove(site)
    left = names(site.cluster)
    assert {"clusterroles /flannel", "clusterrolebindings /store", "clusterrolebindings /both"} <= left
    assert "clusterrolebindings /canal-flannel" not in left


def test_the_operator_takes_away_what_it_made_and_goes_then(with_kinds: Site) -> None:
    site = with_kinds
    before = names(site.cluster)
    build(site, SourceCluster(name="", objects=lambda: operator(VXLAN)))
    agents = "/apis/apps/v1/namespaces/calico-system/daemonsets/calico-node"

    operator_itself = "/apis/apps/v1/namespaces/tigera-operator/deployments/tigera-operator"
    at_work: list[bool] = []

    def play() -> None:
        while site.cluster.find("/apis/operator.tigera.io/v1/installations/default"):
            time.sleep(0.1)
        time.sleep(0.5)
        at_work.append(bool(site.cluster.find(operator_itself)))
        site.cluster.delete(agents)

    thread = threading.Thread(target=play, daemon=True)
    thread.start()
    found = remove(site)
    thread.join()
    assert at_work == [True]
    assert {"APIServer default", "Installation default", "Namespace calico-system"} <= set(found.removed)
    assert names(site.cluster) == before
    assert calicos_kinds(site.cluster, "tigera", "projectcalico") == []


def test_nodes_that_calico_left_as_without_a_network_have_one_again(site: Site) -> None:
    for number, path in enumerate(list(site.made)):
        said = {"type": "NetworkUnavailable", "status": str(number == 0), "reason": "CalicoIsDown"}
        site.cluster.patch(f"{path}/status", {"status": {"conditions": [said]}}, strategic=True)
        say_network_is_there(site.cluster, site.cluster.get(path))
    for number, path in enumerate(site.made):
        conditions = {each["type"]: each for each in site.cluster.get(path)["status"]["conditions"]}
        assert conditions["NetworkUnavailable"]["status"] == "False"
        assert conditions["NetworkUnavailable"]["reason"] == ("CiliumIsUp" if number == 0 else "CalicoIsDown")
        assert conditions["Ready"]["status"] == "True"

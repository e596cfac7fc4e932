"""Rights that a user needs for this source and no other, on a real API server with Calico's kinds."""

from pathlib import Path

import pytest

from components.names import NAMESPACE
from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError
from components.operations.rights.permissions import Need, needs
from components.sources import describe
from components.sources.observing import observe
from scripts.lab.simulated.control_plane import ControlPlane
from tests.checks.site import Site
from tests.checks.users import as_user, rules_for
from tests.sources.making_clusters import VXLAN, SourceCluster
from tests.sources.test_clusters import build
from tests.sources.upstream import Object, calico, operator

pytestmark = pytest.mark.apiserver
NOT_KNOWN_YET = list(needs(cilium_namespace="kube-system"))
READ_CALICO = Need(verb="list", group="*", resource="*")
CHANGES_NOTHING_OF_CALICO = [need for need in NOT_KNOWN_YET if (need.verb, need.resource) != ("patch", "daemonsets")]


def denied(cluster: Cluster) -> list[str]:
    """Where Cilium goes to a namespace of its own, whose rights are not those of Calico's."""
    return [need.title for need in observe(cluster, cilium_namespace="cilium").denied]


def write_down(site: Site) -> None:
    """Create the record that phase preflight leaves."""
    source = describe(observe(site.cluster, cilium_namespace="kube-system"))
    record = {"metadata": {"name": "record"}, "data": {"source": source.model_dump_json()}}
    site.add(f"/api/v1/namespaces/{NAMESPACE}/configmaps", record)


def test_who_may_not_read_calicos_settings_is_told_which(plane: ControlPlane, site: Site, tmp_path: Path) -> None:
    build(site, SourceCluster(name="", objects=lambda: [*calico("calico-vxlan"), VXLAN]))
    user = as_user(plane, site, tmp_path, rules_for(NOT_KNOWN_YET))
    with pytest.raises(ClusterError) as caught:
        observe(user, cilium_namespace="kube-system")
    for right in ("list ippools.crd.projectcalico.org", "list felixconfigurations.crd.projectcalico.org"):
        assert right in str(caught.value)


@pytest.mark.parametrize(
    ("objects", "rights"),
    [
        ([*calico("calico-vxlan"), VXLAN], ["patch daemonsets.apps in kube-system"]),
        (operator(VXLAN), ["get installations.operator.tigera.io", "patch installations.operator.tigera.io"]),
        (calico("canal"), []),
    ],
    ids=["calico", "operator", "canal"],
)
def test_its_preparation_is_asked_for_once_it_is_known(
    plane: ControlPlane, site: Site, tmp_path: Path, objects: list[Object], rights: list[str]
) -> None:
    build(site, SourceCluster(name="", objects=lambda: objects))
    user = as_user(plane, site, tmp_path, rules_for([*CHANGES_NOTHING_OF_CALICO, READ_CALICO]))
    before = denied(user)
    write_down(site)
    assert set(denied(user)) - set(before) == set(rights)

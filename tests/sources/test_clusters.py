"""Source clusters made of the manifests that people really install, on a real API server."""

import pytest

from components.checks import CATALOGUE, Context, Severity, run_checks
from components.sources import SourceDescription, SourceError, describe
from components.sources.observing import observe
from scripts.lab.simulated.control_plane import ControlPlane
from stacks.config import parse_config
from stacks.values import value_at
from tests.checks.site import Site
from tests.commands.printed import commands_in
from tests.remedies import type_in
from tests.sources.clusters import CLUSTERS
from tests.sources.making_clusters import VXLAN, SourceCluster
from tests.sources.upstream import Object, calico, folder_of, operator

pytestmark = pytest.mark.apiserver
# Others say something of any cluster that has Calico's webhooks or DaemonSets; here it is about the source.
ABOUT_THE_NETWORK = {"pod-cidr-free", "pod-cidr-capacity", "tunnel-port-free", "method-values"}
ABOUT_THE_SOURCE = {"autodetection", "source-data-plane", "bgp", "source-owner"}


def build(site: Site, cluster: SourceCluster) -> None:
    for each in sorted(cluster.objects(), key=lambda item: item["kind"] != "Namespace"):
        if each["kind"] == "Namespace" and site.cluster.find(f"/api/v1/namespaces/{each['metadata']['name']}"):
            continue  # a namespace that was deleted would stay: nobody finalizes it here
        made = len(site.made)
        site.add(folder_of(each), each)
        if each["kind"] == "Namespace":
            del site.made[made:]


def read(site: Site, cluster: SourceCluster) -> Context:
    config = parse_config({"phase": "secondary", **cluster.settings})
    snapshot = observe(site.cluster, cilium_namespace="kube-system")
    return Context(config=config, snapshot=snapshot, source=describe(snapshot, config.source))


def assert_values_fit(context: Context) -> None:
    """Cilium's network beside this source: nothing clashes, both families or one, no link of the source's a way out."""
    cilium, source = context.cilium, context.source
    assert not run_checks([each for each in CATALOGUE if each.id in ABOUT_THE_NETWORK], context)
    assert cilium.tunnel_port != source.udp_port
    assert (cilium.pod_cidr_v6 is not None) == source.dual_stack
    assert cilium.chaining == ("portmap" if any(pod.host_ports for pod in context.snapshot.pods) else "none")
    for link in (each for each in source.links if not each.startswith("cni")):
        assert f"!{link}" in value_at(context.values, "devices")


def test_there_are_enough_of_them() -> None:
    assert len({each.name for each in CLUSTERS}) == len(CLUSTERS) >= 40


@pytest.mark.parametrize("cluster", CLUSTERS, ids=lambda each: each.name)
def test_a_source_cluster(site: Site, cluster: SourceCluster) -> None:
    build(site, cluster)
    if cluster.refused:
        with pytest.raises(SourceError) as caught:
            read(site, cluster)
        assert cluster.refused in str(caught.value)
        assert "\n" not in str(caught.value)
        return
    context = read(site, cluster)
    assert {key: getattr(context.source, key) for key in cluster.told} == dict(cluster.told)
    assert all(context.source.evidence)
    assert SourceDescription.model_validate_json(context.source.model_dump_json()) == context.source
    found = [each for each in run_checks(CATALOGUE, context) if each.check in ABOUT_THE_SOURCE]
    assert {each.check for each in found} == cluster.findings
    assert {each.check for each in found if each.severity is Severity.BLOCKER} == cluster.blockers
    assert {each.check for each in run_checks(CATALOGUE, context) if each.unrecognised} == cluster.not_understood
    assert_values_fit(context)


def without(kind: str, objects: list[Object]) -> list[Object]:
    return [each for each in objects if each["kind"] != kind]


@pytest.mark.executes(
    "kubectl get ippools.crd.projectcalico.org", "kubectl get installations.operator.tigera.io",
    "kubectl get tigerastatus",
)  # fmt: skip
def test_what_a_refusal_has_its_reader_look_at_can_be_looked_at(site: Site, plane: ControlPlane) -> None:
    """Logs aside, which nobody has here."""
    ill = (
        without("IPPool", calico("calico")), without("Installation", operator(VXLAN)),
        without("DaemonSet", operator(VXLAN)),
    )  # fmt: skip
    nodes = len(site.made)
    for objects in ill:
        build(site, SourceCluster(name="", objects=lambda found=objects: found))  # type: ignore[misc]
        with pytest.raises(SourceError) as caught:
            describe(observe(site.cluster, cilium_namespace="kube-system"))
        for each in commands_in(str(caught.value)):
            if " logs " not in each:
                type_in(each, plane=plane)
        for path in reversed(site.made[nodes:]):
            site.cluster.delete(path)
        del site.made[nodes:]

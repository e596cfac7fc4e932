"""Marks of distributions: each one's own, those that several share, and such as contradict each other."""

from dataclasses import replace
from typing import Any

import pytest

from components.checks.cluster.distribution import distribution
from components.checks.framework.context import Context
from components.checks.framework.finding import Found, Severity
from components.checks.network.cni_owners import source_owner
from components.operations.objects.node_state import NodeState
from components.operations.snapshot import Snapshot
from components.sources import describe
from components.sources.distributions.recognition import DISTRIBUTIONS, recognised
from stacks.config import parse_config
from tests.builders import FLANNEL_CONFIG_MAP, FLANNEL_DAEMON_SET, make_node, make_snapshot

SECONDARY = parse_config({"phase": "secondary"})


def nodes(*, labels: dict[str, str] | None = None, annotations: dict[str, str] | None = None) -> tuple[Any, ...]:
    """Three nodes, of which the last has these."""
    marked = make_node("worker-3", labels=labels or {}, annotations=annotations or {})
    return make_node("worker-1"), make_node("worker-2"), marked


def machines(provider_id: str, kubelet: str = "v1.33.4") -> dict[str, NodeState]:
    item = {"spec": {"providerID": provider_id}, "status": {"nodeInfo": {"kubeletVersion": kubelet}}}
    return {f"worker-{number}": NodeState.read(item) for number in (1, 2, 3)}


def flannel(**metadata: Any) -> dict[str, Any]:
    """Flannel's DaemonSet as somebody else deploys it."""
    return {**FLANNEL_DAEMON_SET, "metadata": {"namespace": "kube-flannel", "name": "kube-flannel-ds", **metadata}}


def names(snapshot: Snapshot) -> list[str]:
    return [each.distribution.name for each in recognised(snapshot)]


def said(snapshot: Snapshot) -> list[Found]:
    return list(distribution.find(Context(config=SECONDARY, snapshot=snapshot, source=describe(snapshot))))


def labelled(key: str, value: str = "", **fields: Any) -> Snapshot:
    return make_snapshot(nodes=nodes(labels={key: value}), **fields)


CALICO_OF_KUBESPRAY = (
    {"metadata": {"namespace": "kube-system", "name": "calico-node"},
     "spec": {"template": {"spec": {"hostNetwork": True, "containers": [
         {"name": "calico-node", "image": "quay.io/calico/node:v3.29.3", "env": [
             {"name": "CLUSTER_TYPE",
              "valueFrom": {"configMapKeyRef": {"name": "calico-config", "key": "cluster_type"}}}]}]}}}},
    {"metadata": {"namespace": "kube-system", "name": "calico-config"}, "data": {"cluster_type": "kubespray,bgp"}},
)  # fmt: skip


@pytest.mark.parametrize(
    ("snapshot", "name", "how"),
    [
        (make_snapshot(nodes=nodes(annotations={"rke.cattle.io/internal-ip": "10.9.0.4"})), "RKE", "rke up"),
        (make_snapshot(daemon_sets=(flannel(labels={"kubeone.io/addon": "cni-flannel"}),)), "KubeOne", "external: {}"),
        (make_snapshot(daemon_sets=(flannel(labels={"kubermatic-addon": "canal"}),)), "Kubermatic (KKP)",
         "spec.cniPlugin.type: none"),
        (labelled("minikube.k8s.io/version", "v1.36.0"), "minikube", "--cni=false"),
        (labelled("kubernetes.azure.com/role", "master"), "AKS Engine", "/etc/kubernetes/addons"),
        (labelled("node.info.ds_proxymux_client", "true"), "OKE", "--addon-name Flannel"),
        (make_snapshot(server_version="v1.31.7-eks-473151a", node_states=machines("aws:///eu-west-1a/i-0a1")), "EKS",
         "vpc-cni"),
        (labelled("eks.amazonaws.com/nodegroup", "blue", node_states=machines("eks-hybrid:///eu/c/mi-1")), "EKS",
         "vpc-cni"),
    ],
)  # fmt: skip
def test_who_brings_the_old_cni_back_is_told(snapshot: Snapshot, name: str, how: str) -> None:
    assert names(snapshot) == [name]
    (found,) = said(snapshot)
    assert (found.severity, name in found.evidence, how in found.remedy) == (Severity.NOTE, True, True)


def test_kubespray_is_known_by_what_it_tells_calico() -> None:
    daemon_set, settings = CALICO_OF_KUBESPRAY
    snapshot = make_snapshot(daemon_sets=(FLANNEL_DAEMON_SET, daemon_set), config_maps=(FLANNEL_CONFIG_MAP, settings))
    (found,) = recognised(snapshot)
    assert found.title == "kubespray (ConfigMap kube-system/calico-config has cluster_type: kubespray,bgp)"
    assert "kube_network_plugin: cni" in found.distribution.switch_off
    plain = {**settings, "data": {"cluster_type": "k8s,bgp"}}
    assert names(replace(snapshot, config_maps=(FLANNEL_CONFIG_MAP, plain))) == []


@pytest.mark.parametrize(
    ("snapshot", "name"),
    [
        (make_snapshot(server_version="v1.31.8+IKS"), "IBM Cloud Kubernetes Service"),
        (make_snapshot(server_version="v1.32.1-aliyun.1"), "Alibaba Cloud ACK"),
        (make_snapshot(node_states=machines("", "v1.30.7-aliyun.1")), "Alibaba Cloud ACK"),
        (labelled("doks.digitalocean.com/node-id", "1f"), "DigitalOcean (DOKS)"),
        (labelled("k8s.scaleway.com/pool-name", "default"), "Scaleway Kapsule"),
        (labelled("worker.gardener.cloud/pool", "cpu"), "Gardener"),
        (labelled("node.k8s.ovh/type", "standard"), "OVHcloud Managed Kubernetes"),
        (labelled("vcluster.loft.sh/fake-node", "true", server_version="v1.33.1+k3s1"), "vcluster"),
        (labelled("eks.amazonaws.com/compute-type", "auto", server_version="v1.33.1-eks-473151a"), "EKS Auto Mode"),
        (make_snapshot(server_version="v1.31.5-gke.1068000", node_states=machines("vsphere://4208")),
         "Google Distributed Cloud"),
        (labelled("baremetal.cluster.gke.io/node-pool", "np", server_version="v1.31.5-gke.106"),
         "Google Distributed Cloud"),
        (make_snapshot(server_version="v1.31.5-gke.106", node_states=machines("gce://p/europe-west4-a/n")), "GKE"),
        (labelled("run.tanzu.vmware.com/tkr", "v1.32.0", daemon_sets=(flannel(labels={"kapp.k14s.io/app": "17"}),)),
         "Tanzu (TKG, VKS)"),
        (labelled("node.deckhouse.io/group", "w", config_maps=({**FLANNEL_CONFIG_MAP, "metadata": {
            "namespace": "d8-cni-flannel", "name": "kube-flannel-cfg"}},), daemon_sets=(
            flannel(namespace="d8-cni-flannel", name="flannel"),)), "Deckhouse"),
    ],
)  # fmt: skip
def test_what_cannot_be_migrated_is_refused_in_one_line(snapshot: Snapshot, name: str) -> None:
    assert names(snapshot) == [name]
    (found,) = said(snapshot)
    assert found.severity is None  # the check's own: a blocker
    assert f"the cluster is {name} (" in found.evidence
    assert "\n" not in found.evidence


@pytest.mark.parametrize(
    ("snapshot", "name", "whom"),
    [
        (labelled("lke.linode.com/pool-id", "39949"), "Linode (LKE)", "Akamai"),
        (labelled("vke.vultr.com/node-pool", "a"), "Vultr (VKE)", "Vultr"),
        (labelled("kubernetes.civo.com/civo-node-pool", "a", server_version="v1.32.5+k3s1"), "Civo", "Civo"),
        (labelled("yandex.cloud/node-group-id", "cat7"), "Yandex Managed Kubernetes", "Yandex"),
        (make_snapshot(node_states=machines("qcloud:///200001/ins-1", "v1.30.0-tke.10")), "Tencent (TKE)", "Tencent"),
    ],
)
def test_of_whom_nothing_is_known_is_to_be_asked(snapshot: Snapshot, name: str, whom: str) -> None:
    assert names(snapshot) == [name]
    (found,) = said(snapshot)
    assert found.severity is Severity.WARNING
    assert f"ask {whom} before Cilium is installed" in found.remedy


@pytest.mark.parametrize(
    "snapshot",
    [
        make_snapshot(server_version="v1.33.1+k0s"),
        labelled("run.tanzu.vmware.com/tkr", "v1.32.0"),
        labelled("node.deckhouse.io/group", "worker"),
        labelled("x-kubernetes.io/distribution", "ubuntu"),
        make_snapshot(node_states=machines("kind://docker/dev/dev-worker")),
    ],
)
def test_a_cni_that_the_user_brought_is_nobody_elses(snapshot: Snapshot) -> None:
    assert len(recognised(snapshot)) == 1
    assert said(snapshot) == []


@pytest.mark.parametrize(
    "snapshot",
    [
        # AWS' distribution on machines of somebody else's: EKS Anywhere
        make_snapshot(server_version="v1.31.4-eks-1-31-10", node_states=machines("vsphere://42")),
        # a machine of a cloud, with plain Kubernetes on it
        make_snapshot(node_states=machines("aws:///eu-west-1a/i-0a1")),
        make_snapshot(node_states=machines("gce://project/zone/node")),
        make_snapshot(node_states=machines("oci://ocid1.instance")),
        labelled("oci.oraclecloud.com/fault-domain", "FAULT-DOMAIN-1"),
        labelled("kubernetes.azure.com/role", "agent"),
        labelled("ibm-cloud.kubernetes.io/zone", "dal10"),
        # machines made by Cluster API or by Rancher say nothing of who applies the CNI
        make_snapshot(nodes=nodes(annotations={"cluster.x-k8s.io/machine": "pool-x2"})),
        labelled("rke.cattle.io/machine", "0b54"),
        labelled("juju-application", "kubernetes-worker"),
    ],
)  # fmt: skip
def test_marks_that_several_share_are_none(snapshot: Snapshot) -> None:
    assert names(snapshot) == []
    assert said(snapshot) == []


def test_one_made_of_another_is_told_once() -> None:
    ranchers = nodes(annotations={"rke.cattle.io/internal-ip": "10.9.0.4"})
    assert names(make_snapshot(nodes=ranchers, server_version="v1.32.4+rke2r1")) == ["RKE2"]
    engine = {"kubernetes.azure.com/role": "master", "kubernetes.azure.com/cluster": "group"}
    assert names(make_snapshot(nodes=nodes(labels=engine))) == ["AKS Engine"]


def test_marks_that_contradict_each_other_are_told() -> None:
    """As after a move of nodes from one cluster to another with their labels."""
    found = said(labelled("kops.k8s.io/instancegroup", "nodes", server_version="v1.33.1+rke2r1"))
    assert [each.severity for each in found] == [Severity.WARNING, Severity.NOTE, Severity.NOTE]
    assert "marks of 2 distributions: RKE2 (the API server is v1.33.1+rke2r1); kOps (node worker-3 has label kops" in (
        found[0].evidence
    )
    talos = NodeState.read({"status": {"nodeInfo": {"osImage": "Talos (v1.11.2)"}}})
    service = labelled("worker.gardener.cloud/pool", "a", node_states={"worker-3": talos})
    assert Severity.WARNING not in [each.severity for each in said(service)]


def test_the_customer_of_a_service_is_not_sent_to_its_control_plane() -> None:
    owned = flannel(labels={"addonmanager.kubernetes.io/mode": "Reconcile"})
    for label, how in (("node.info.ds_proxymux_client", "oci ce cluster"), ("any", "/etc/kubernetes/addons")):
        snapshot = labelled(label, "true", daemon_sets=(owned,))
        (found,) = source_owner.find(Context(config=SECONDARY, snapshot=snapshot, source=describe(snapshot)))
        assert how in found.remedy


def test_each_has_marks_of_its_own_and_something_to_say() -> None:
    assert len({each.name for each in DISTRIBUTIONS}) == len(DISTRIBUTIONS) >= 12
    marks = [told.partition(" of nodes ")[0] for each in DISTRIBUTIONS for told in each.marks.told]
    assert [each for each in marks if marks.count(each) > 1] == ["`-gke.` in a version"] * 2
    known = {each.name for each in DISTRIBUTIONS}
    assert all(set(each.instead_of) <= known for each in DISTRIBUTIONS)
    assert [each.name for each in DISTRIBUTIONS if not each.refused and not each.switch_off] == ["kind"]

"""Distributions, by what their nodes and servers say: who keeps the old CNI, what it needs, and what is refused."""

import json
from dataclasses import replace
from typing import Any

import pytest

from components.checks.cluster.distribution import distribution
from components.checks.framework.context import Context
from components.checks.framework.finding import Found, Severity
from components.checks.network.cni_owners import source_owner
from components.operations.objects.node_state import NodeState
from components.operations.snapshot import Snapshot
from components.sources import SourceError, describe
from components.sources.distributions.recognition import recognised
from stacks.config import parse_config
from stacks.values import contradictions, final_values, migration_values, value_at
from tests.builders import FLANNEL_CONFIG_MAP, FLANNEL_DAEMON_SET, make_facts, make_node, make_snapshot

BACKEND = "flannel.alpha.coreos.com/backend-type"
WAVES = {"waves": [["worker-1", "worker-2", "worker-3"]]}


def labelled(key: str, value: str = "", **fields: Any) -> Snapshot:
    nodes = (make_node("worker-1"), make_node("worker-2", labels={key: value}))
    return make_snapshot(nodes=nodes, **fields)


def reported(**info: str) -> Snapshot:
    """A cluster of which one node's kubelet says something."""
    item = {"metadata": {"name": "worker-3"}, "status": {"nodeInfo": info}}
    return make_snapshot(node_states={"worker-3": NodeState.read(item)})


def with_daemon_set(image: str, name: str, **metadata: Any) -> dict[str, Any]:
    theirs = {"metadata": {"namespace": "kube-system", "name": name, **metadata}}
    return {**theirs, "spec": {"template": {"spec": {"containers": [{"name": name, "image": image}]}}}}


def context(snapshot: Snapshot, **settings: Any) -> Context:
    config = parse_config({"phase": "secondary", **settings})
    return Context(config=config, snapshot=snapshot, source=describe(snapshot, config.source))


def said(snapshot: Snapshot, **settings: Any) -> list[Found]:
    return list(distribution.find(context(snapshot, **settings)))


@pytest.mark.parametrize(
    ("snapshot", "name", "how"),
    [
        (make_snapshot(server_version="v1.33.1+k3s1"), "k3s", "/var/lib/rancher/k3s/server/manifests"),
        (make_snapshot(server_version="v1.33.1+rke2r1"), "RKE2", "`cni: none`"),
        (reported(kubeletVersion="v1.32.4+rke2r1"), "RKE2", "`cni: none`"),
        (labelled("microk8s.io/cluster", "true"), "MicroK8s", "cni.yaml"),
        (reported(osImage="Talos (v1.11.2)"), "Talos", "`cluster.network.cni.name: none`"),
        (labelled("kops.k8s.io/instancegroup", "nodes-a"), "kOps", "kops edit cluster"),
        (make_snapshot(server_version="v1.33.1-eks-595af52"), "EKS", "vpc-cni"),
        (labelled("kubernetes.azure.com/cluster", "made-without-cni"), "AKS", ""),
    ],
)
def test_who_brings_the_old_cni_back_is_told_with_the_way_to_switch_it_off(
    snapshot: Snapshot, name: str, how: str
) -> None:
    assert [each.distribution.name for each in recognised(snapshot)] == [name]
    found = said(snapshot)
    assert [each.severity for each in found] == ([Severity.NOTE] if how else [])
    assert all(name in each.evidence and how in each.remedy for each in found)


KUBE_ROUTER = with_daemon_set(
    "quay.example.com/k0sproject/kube-router:v2.5.0", "kube-router", labels={"k0s.k0sproject.io/stack": "kuberouter"}
)
AZURE = with_daemon_set("mcr.example.com/containernetworking/azure-cns:v1.6", "azure-cns")
MANAGED = with_daemon_set(
    "example.com/calico/node:v3.28.1", "calico-policy", labels={"kubernetes.azure.com/managedby": "aks"}
)


@pytest.mark.parametrize(
    ("snapshot", "why"),
    [
        (make_snapshot(server_version="v1.33.2-gke.1111000"), "it cannot be switched off"),
        (make_snapshot(server_version="v1.33.1+k0s", daemon_sets=(FLANNEL_DAEMON_SET, KUBE_ROUTER)),
         "spec.network.provider"),
        (labelled("node.openshift.io/os_id", "rhel"), "Cluster Network Operator"),
        (labelled("kubernetes.azure.com/cluster", "a", daemon_sets=(FLANNEL_DAEMON_SET, AZURE)), "--network-dataplane"),
    ],
)  # fmt: skip
def test_what_cannot_be_migrated_is_refused_in_one_line(snapshot: Snapshot, why: str) -> None:
    (found,) = said(snapshot)
    assert found.severity is None  # the check's own: a blocker
    assert why in found.evidence
    assert "\n" not in found.evidence


def test_calico_that_aks_keeps_is_refused_too() -> None:
    settings = {"source": {"kind": "generic", "podNetworks": ["10.244.0.0/16"]}}
    (found,) = said(labelled("kubernetes.azure.com/cluster", "a", daemon_sets=(MANAGED,)), **settings)
    assert "AKS brings its own CNI back" in found.evidence


def test_a_cluster_with_no_marks_is_no_distribution() -> None:
    plain = labelled("node.kubernetes.io/instance-type", "m5.large", server_version="v1.33.1")
    assert recognised(plain) == []
    assert said(plain) == []


def test_talos_is_given_what_it_allows_in_every_phase() -> None:
    cilium = context(reported(osImage="Talos (v1.11.2)", kernelVersion="6.12.48-talos")).cilium
    for values in (migration_values(cilium), final_values(cilium)):
        assert "SYS_MODULE" not in value_at(values, "securityContext.capabilities.ciliumAgent")
        assert value_at(values, "cgroup") == {"autoMount": {"enabled": False}, "hostRoot": "/sys/fs/cgroup"}
    assert contradictions(cilium) == []
    wrong = context(reported(osImage="Talos (v1.9.0)"), cilium={"values": {"cgroup": {"hostRoot": "/run/x"}}}).cilium
    assert [each.path for each in contradictions(wrong)] == ["cgroup.hostRoot"]
    recorded = {"read_only": {"value": "Talos", "reason": "nodes run Talos"}}
    assert context(make_snapshot(settled=recorded)).cilium.read_only == "Talos"
    assert value_at(migration_values(context(make_snapshot()).cilium), "cgroup") is None


def test_nodes_without_a_shell_are_not_rebooted_by_their_own_programs() -> None:
    talos = reported(osImage="Talos (v1.11.2)")
    assert len(said(talos, phase="migrate", restart={"method": "reboot"}, **WAVES)) == 2
    assert len(said(talos, phase="migrate", **WAVES)) == 1


@pytest.mark.parametrize(
    ("marks", "reverts", "how"),
    [
        ({"annotations": {"meta.helm.sh/release-name": "rke2-canal"}}, True, "`cni: none`"),
        ({"annotations": {"meta.helm.sh/release-name": "rke2-flannel"}}, True, "`cni: none`"),
        ({"annotations": {"objectset.rio.cattle.io/owner-name": "flannel"}}, True, "servers' folder of manifests"),
        ({"labels": {"addon.kops.k8s.io/name": "networking.flannel"}}, True, "kops edit cluster"),
        ({"labels": {"addonmanager.kubernetes.io/mode": "Reconcile"}}, True, "/etc/kubernetes/addons"),
        ({"annotations": {"meta.helm.sh/release-name": "flannel"}}, False, ""),
    ],
)
def test_owners_say_how_they_let_go(marks: dict[str, Any], reverts: bool, how: str) -> None:
    item = {**FLANNEL_DAEMON_SET, "metadata": {"namespace": "kube-flannel", "name": "kube-flannel-ds", **marks}}
    seen = context(make_snapshot(daemon_sets=(item,), config_maps=(FLANNEL_CONFIG_MAP,)))
    assert seen.source.owners[0].reverts is reverts
    (found,) = source_owner.find(seen)
    assert how in found.remedy


def k3s(backend: str = "vxlan", data: str = "", servers: tuple[list[str], ...] = (["server"],)) -> Snapshot:
    """k3s with Flannel in its process, one node for each server and an agent."""
    arguments = (*servers, ["agent"])
    nodes = tuple(
        make_node(
            f"worker-{number}", pod_cidrs=(f"10.42.{number}.0/24",), step="migrated",
            annotations={BACKEND: backend, "k3s.io/node-args": json.dumps(words), **({DATA: data} if data else {})},
        )
        for number, words in enumerate(arguments, start=1)
    )  # fmt: skip
    return make_snapshot(nodes=nodes, daemon_sets=(), server_version="v1.33.1+k3s1")


DATA = "flannel.alpha.coreos.com/backend-data"


@pytest.mark.parametrize(
    ("snapshot", "told"),
    [
        (k3s(), "encapsulation 'vxlan', udpPort 8472, links flannel.1, cni0"),
        (k3s(data='{"VNI":7,"VtepMAC":"ee:ee:ee:ee:ee:ee"}'), "links flannel.7, cni0"),
        (k3s(data="null"), "links flannel.1, cni0"),
        (k3s("host-gw"), "encapsulation 'routes', links cni0"),
        (k3s("wireguard"), "encapsulation 'wireguard', udpPort 51820, links flannel-wg, cni0"),
    ],
)
def test_flannel_in_k3ss_own_process_is_not_promised_to_work(snapshot: Snapshot, told: str) -> None:
    with pytest.raises(SourceError) as raised:
        describe(snapshot)
    assert "no migration from it was ever tried" in str(raised.value)
    assert told in str(raised.value)


LINKS = ["flannel.1", "cni0"]
SOURCE = {"kind": "generic", "podNetworks": ["10.42.0.0/16"], "encapsulation": "vxlan", "udpPort": 8472, "links": LINKS}


def test_a_description_that_leaves_its_links_out_is_refused() -> None:
    assert [each.severity for each in said(k3s(), source=SOURCE)] == [Severity.NOTE]
    short = said(k3s(), source={**SOURCE, "links": ["cni0"]})
    assert "source.links does not name flannel.1" in short[-1].evidence


def test_without_its_flannel_it_reads_other_folders() -> None:
    """k3s writes the folders into containerd's settings only for its own Flannel (pkg/agent/templates)."""
    own = ("/var/lib/rancher/k3s/agent/etc/cni/net.d", "/var/lib/rancher/k3s/data/cni")
    for folders, told in ((own, "/etc/cni/net.d a link to /var/lib/rancher/k3s/agent/etc/cni/net.d and /opt/cni/bin a"),
                          (("/etc/cni/net.d", "/opt/cni/bin"), "")):  # fmt: skip
        facts = {"worker-1": make_facts(cni_folders=folders[:1], cni_binaries=folders[1:])}
        found = said(replace(k3s(), facts=facts), source=SOURCE, phase="cleanup")
        (remedy,) = [each.remedy for each in found if "still runs" in each.evidence]
        assert told in remedy
        assert ("link" in remedy) is bool(told)


@pytest.mark.parametrize(
    ("servers", "runs"),
    [
        ((["server"],), True),
        ((["server", "--flannel-backend", "none"],), False),
        ((["server", "--flannel-backend=none"], ["server", "--debug"]), True),
        (
            (["server", "--flannel-backend=none"], ["server", "--flannel-backend=vxlan", "--flannel-backend=none"]),
            False,
        ),
    ],
)
def test_its_leftovers_are_not_swept_while_it_runs(servers: tuple[list[str], ...], runs: bool) -> None:
    settings: dict[str, Any] = {"phase": "cleanup", "source": SOURCE}
    found = [each for each in said(k3s(servers=servers), **settings) if "still runs" in each.evidence]
    assert len(found) == runs

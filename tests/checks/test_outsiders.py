"""Pods that outsiders know by their addresses: how that shows, and what shows nothing of the kind."""

import json
from typing import Any

import pytest

from components.checks import CATALOGUE, Context, Severity, run_checks
from components.operations.addresses.direct_load_balancers import exposed_ingress, leads_to_pods
from components.operations.objects.model import Pod
from components.operations.objects.services import Service
from components.operations.snapshot import Snapshot
from components.sources import describe
from stacks.config import parse_config
from tests.builders import make_context, make_node, make_pod, make_snapshot
from tests.sources.making_clusters import GENERIC, daemon_set, kindnet, net_conf
from tests.sources.upstream import calico, calico_object, changed, environment, flannel, operator, pool

Object = dict[str, Any]
HERE = make_pod("web", address="10.244.1.5")


def sorted_into(objects: list[Object], **fields: Any) -> Snapshot:
    kinds = {each["kind"] for each in objects if "calico" in each["apiVersion"] or "tigera" in each["apiVersion"]}
    return make_snapshot(
        daemon_sets=tuple(each for each in objects if each["kind"] == "DaemonSet"),
        config_maps=tuple(each for each in objects if each["kind"] == "ConfigMap"),
        calico={"IPPool": (), **{kind: tuple(each for each in objects if each["kind"] == kind) for kind in kinds}},
        **fields,
    )


def told(snapshot: Snapshot, **settings: Any) -> list[str]:
    config = parse_config({"phase": "secondary", **settings})
    context = Context(config=config, snapshot=snapshot, source=describe(snapshot, config.source))
    found = [each for each in run_checks(CATALOGUE, context) if each.check == "pods-known-outside"]
    assert all(each.severity is Severity.WARNING for each in found)
    return [each.evidence for each in found]


def without_masquerading(objects: list[Object], **variables: str) -> list[Object]:
    def change(item: Object) -> None:
        for each in item["spec"]["template"]["spec"]["containers"]:
            for key in ("command", "args"):
                each[key] = [word for word in each.get(key) or [] if word != "--ip-masq"]
            kept = [one for one in each.get("env") or [] if one["name"] != "FLANNELD_IP_MASQ"]
            each["env"] = [*kept, *({"name": name, "value": value} for name, value in variables.items())]

    return changed(objects, "DaemonSet", change)


def plugin_told_not_to(objects: list[Object]) -> list[Object]:
    def change(item: Object) -> None:
        conf = item["data"]["cni-conf.json"]
        item["data"]["cni-conf.json"] = conf.replace('"hairpinMode"', '"ipMasq": false, "hairpinMode"')

    return changed(objects, "ConfigMap", change)


OFF: Object = {"natOutgoing": False, "vxlanMode": "Always"}


@pytest.mark.parametrize(
    ("objects", "words"),
    [
        ([*calico("calico"), pool(**OFF)], "IPPool default-ipv4-ippool (10.244.0.0/16, 1 pod) has natOutgoing off"),
        ([*calico("calico"), pool(), pool("10.9.0.0/24", "payments", **OFF)], "IPPool payments (10.9.0.0/24, 0 pods)"),
        ([*calico("calico"), pool("10.9.0.0/24"), pool(name="old", **OFF, disabled=True)], "IPPool old"),
        ([*calico("calico"), calico_object("IPPool", "unsaid", cidr="10.244.0.0/16")], "IPPool unsaid"),
        ([*calico("calico"), pool(), calico_object("FelixConfiguration", "default", natOutgoingAddress="192.0.2.7")],
         "natOutgoingAddress has pods seen outside as 192.0.2.7"),
        (changed([*calico("calico"), pool()], "DaemonSet", environment(FELIX_NATOUTGOINGADDRESS="192.0.2.8")),
         "seen outside as 192.0.2.8"),
        (operator(ipPools=[{"cidr": "10.7.0.0/16", "natOutgoing": "Disabled", "encapsulation": "VXLAN"}]),
         "the Installation's pool 10.7.0.0/16 has natOutgoing off"),
        (plugin_told_not_to(without_masquerading(flannel())), "runs without --ip-masq"),
        (without_masquerading(calico("canal"), FLANNELD_IP_MASQ="false"), "runs without --ip-masq"),
        ([*flannel(), daemon_set("masq", "example/ip-masq-agent-amd64:v2.12.5")], "DaemonSet kube-system/masq leaves"),
        # A disabled pool with nodes' addresses is no pods': Calico leaves pods their own addresses towards every pool.
        ([*calico("calico"), pool(), pool("172.30.0.0/16", "datacentre", **OFF, disabled=True)],
         "IPPool datacentre leaves pods their own addresses towards 172.30.0.0/16"),
        ([*calico("calico"), pool(),
          calico_object("FelixConfiguration", "node.worker-2", natOutgoingAddress="192.0.2.9")],
         "natOutgoingAddress has pods seen outside as 192.0.2.9"),
        (net_conf({"Type": "aws-vpc"})(), "Flannel's back end aws-vpc has the cloud route outsiders to pods"),
        (net_conf({"Type": "ali-vpc"})(), "back end ali-vpc has the cloud route"),
        ([*flannel(), daemon_set("submariner-gateway", "quay.io/submariner/submariner-gateway:0.21.0")],
         "DaemonSet kube-system/submariner-gateway tells other clusters"),
    ],
)  # fmt: skip
def test_pods_that_keep_their_addresses_on_the_way_out_are_told(objects: list[Object], words: str) -> None:
    (line,) = told(sorted_into(objects, pods=(HERE,)))
    assert words in line


@pytest.mark.parametrize(
    "objects",
    [
        [*calico("calico"), pool()],
        [*calico("calico"), pool(), pool("10.9.0.0/24", "old", **OFF, disabled=True)],
        [*calico("calico"), pool(), pool("10.9.0.0/24", "tunnels", **OFF, allowedUses=["Tunnel"])],
        [*calico("canal"), pool(**OFF)],  # Flannel's network, Calico's pool is nobody's
        operator(pool(), ipPools=[{"cidr": "10.244.0.0/16", "natOutgoing": "Disabled"}]),
        flannel(),
        without_masquerading(calico("canal"), FLANNELD_IP_MASQ="true"),
        without_masquerading(flannel()),  # then its CNI plugin masquerades
        plugin_told_not_to(flannel()),
        plugin_told_not_to(without_masquerading(flannel(), FLANNELD_IP_MASQ="1")),
        kindnet("10.244.0.0/16"),
    ],
)
def test_pods_that_leave_by_their_nodes_addresses_are_not(objects: list[Object]) -> None:
    assert told(sorted_into(objects, pods=(HERE,))) == []


def test_a_routed_network_is_known_outside_and_its_settings_are_told() -> None:
    aws = daemon_set(
        "aws-node", "a/amazon-k8s-cni:v1", AWS_VPC_K8S_CNI_EXTERNALSNAT="true",
        AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS="10.8.0.0/16",
    )  # fmt: skip
    lines = told(sorted_into([aws]), source=GENERIC)
    for words, line in zip(("EXTERNALSNAT on", "towards 10.8.0.0/16", "AWS VPC CNI gives"), lines, strict=True):
        assert words in line
    tunnelled = {**GENERIC, "encapsulation": "vxlan", "udpPort": 4789}
    assert told(sorted_into([daemon_set("aws-node", "a/amazon-k8s-cni:v1")]), source=tunnelled) == []


def asking(annotations: dict[str, str], **spec: Any) -> Pod:
    metadata = {"namespace": "shop", "name": "gate-0", "uid": "u", "annotations": annotations}
    return Pod.read({"metadata": metadata, "spec": {"nodeName": "worker-1", "containers": [], **spec}})


@pytest.mark.parametrize(
    ("annotations", "spec", "straight"),
    [
        ({"service.beta.kubernetes.io/aws-load-balancer-nlb-target-type": "ip"}, {}, True),
        ({"service.beta.kubernetes.io/aws-load-balancer-nlb-target-type": "instance"}, {}, False),
        ({"service.beta.kubernetes.io/backend-type": "eni"}, {}, True),
        ({"service.beta.kubernetes.io/aws-load-balancer-type": "nlb-ip"}, {}, True),
        ({"service.beta.kubernetes.io/aws-load-balancer-type": "nlb"}, {}, False),
        ({"service.cloud.tencent.com/direct-access": "true"}, {}, True),
        ({"service.cloud.tencent.com/direct-access": "false"}, {}, False),
        ({"kubernetes.io/ingress.class": "azure/application-gateway"}, {}, True),
        ({}, {"ingressClassName": "azure-application-gateway"}, True),
        ({}, {"ingressClassName": "nginx"}, False),
        ({"alb.ingress.kubernetes.io/target-type": "ip"}, {}, True),
        ({"cloud.google.com/neg": '{"ingress": true}'}, {}, True),
        ({"cloud.google.com/neg": '{"ingress": false}'}, {}, False),
        ({"external-dns.alpha.kubernetes.io/hostname": "db.example.org"}, {"clusterIP": "None"}, True),
        ({"external-dns.alpha.kubernetes.io/hostname": "web.example.org"}, {"type": "LoadBalancer"}, False),
        ({}, {"clusterIP": "None"}, False),
    ],
)  # fmt: skip
def test_what_leads_outsiders_straight_to_pods_is_told(
    annotations: dict[str, str], spec: Object, straight: bool
) -> None:
    item = {"metadata": {"namespace": "shop", "name": "web", "annotations": annotations}, "spec": spec}
    assert bool(leads_to_pods(item)) is straight
    service, ingress = Service.read(item), exposed_ingress(item)
    context = make_context(make_snapshot(services=(service,), exposed_ingresses=(ingress,) if ingress else ()))
    found = [each.evidence for each in run_checks(CATALOGUE, context) if each.check == "pods-known-outside"]
    assert bool(found) is straight
    for line in found:
        assert "Service shop/web (" in line
        assert "Ingress shop/web (" in line


@pytest.mark.parametrize(("value", "said"), [("1", True), ("T", True), ("True", True), ("false", False), ("0", False)])
def test_a_switch_is_read_as_its_own_program_reads_it(value: str, said: bool) -> None:
    aws = daemon_set("aws-node", "a/amazon-k8s-cni:v1", AWS_VPC_K8S_CNI_EXTERNALSNAT=value)
    assert any("EXTERNALSNAT on" in line for line in told(sorted_into([aws]), source=GENERIC)) is said


@pytest.mark.parametrize(
    ("pools", "networks", "told_of"),
    [
        ([pool("10.9.0.0/24", "old", **OFF, disabled=True)], (), False),
        # A pool of pods within which nodes are by chance is told as one of pods.
        ([pool("172.30.0.0/16", "wide", **OFF)], (), True),
        ([pool("fd00:9::/64", "other-family", **OFF, disabled=True)], (), False),
        ([pool("not-a-cidr", "broken", **OFF, disabled=True)], (), False),
    ],
)
def test_a_disabled_pool_is_only_told_where_it_is_no_pods(
    pools: list[Object], networks: tuple[str, ...], told_of: bool
) -> None:
    lines = told(sorted_into([*calico("calico"), pool(), *pools], pods=()))
    assert bool(lines) is told_of


@pytest.mark.parametrize(
    ("annotations", "leaves"),
    [
        ({"kube-vip.io/egress": "true"}, True),
        ({"kube-vip.io/egress": "false"}, False),
        ({"k8s.ovn.org/egress-service": '{"sourceIPBy": "LoadBalancerIP"}'}, True),
        ({"example.org/egress-notes": "none"}, False),
    ],
)
def test_pods_that_leave_by_their_services_address_are_told(annotations: dict[str, str], leaves: bool) -> None:
    item = {"metadata": {"namespace": "shop", "name": "mail", "annotations": annotations}, "spec": {}}
    lines = told(make_snapshot(services=(Service.read(item),)))
    assert bool(lines) is leaves
    assert all("Service shop/mail (" in line for line in lines)


def test_addresses_that_calico_gives_to_load_balancers_are_told() -> None:
    objects = [*calico("calico"), pool(), pool("192.0.2.0/26", "balancers", allowedUses=["LoadBalancer"])]
    (line,) = told(sorted_into(objects))
    assert "IPPool balancers (192.0.2.0/26)" in line


@pytest.mark.parametrize(
    ("arguments", "said"), [([], True), (["--flannel-ipv6-masq"], False), (["--flannel-ipv6-masq=true"], False)]
)
def test_ipv6_of_k3s_is_masqueraded_only_where_it_is_told_to(arguments: list[str], said: bool) -> None:
    marks = {"flannel.alpha.coreos.com/backend-type": "vxlan", "k3s.io/node-args": json.dumps(["server", *arguments])}
    source = {"kind": "generic", "podNetworks": ["10.42.0.0/16", "fd00:42::/56"], "encapsulation": "vxlan",
              "udpPort": 8472, "links": ["flannel.1", "cni0"]}  # fmt: skip
    nodes = (make_node("worker-1", annotations=marks),)
    lines = told(make_snapshot(nodes=nodes, daemon_sets=(), config_maps=()), source=source)
    assert any("IPv6" in line for line in lines) is said

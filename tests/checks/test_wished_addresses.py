"""Pods and namespaces that ask for an address, and what CNIs note by themselves."""

import pytest

from components.checks import CATALOGUE, run_checks
from components.operations.addresses.fixed_address_annotations import wishes
from tests.builders import FLANNEL_CONFIG_MAP, FLANNEL_DAEMON_SET, make_context, make_pod, make_snapshot
from tests.checks.test_outsiders import Object, asking, told


@pytest.mark.parametrize(
    "key",
    ["cni.projectcalico.org/ipAddrs", "cni.projectcalico.org/ipAddrsNoIpam", "cni.projectcalico.org/floatingIPs",
     "cni.projectcalico.org/ipv4pools", "cni.projectcalico.org/ipv6pools",
     "cni.projectcalico.org/allowedSourcePrefixes", "egress.projectcalico.org/selector", "ipam.antrea.io/ippools",
     "ipam.antrea.io/pod-ips", "ovn.kubernetes.io/ip_address", "ipam.spidernet.io/ippool", "corp.example/static-ip",
     "fixed_ip", "vpc.amazonaws.com/pod-eni", "cni.projectcalico.org/hwAddr", "ovn.kubernetes.io/mac_address",
     "k8s.aliyun.com/pod-with-eip", "network.alibabacloud.com/pod-eip-instanceid", "yangtse.io/static-ip",
     "tke.cloud.tencent.com/eip-attributes", "k8s.aliyun.com/allocated-eipAddress"],
)  # fmt: skip
def test_a_pod_that_asks_for_an_address_is_told(key: str) -> None:
    snapshot = make_snapshot(
        daemon_sets=(FLANNEL_DAEMON_SET,), config_maps=(FLANNEL_CONFIG_MAP,), pods=(asking({key: '["192.0.2.9"]'}),)
    )
    (found,) = [each for each in run_checks(CATALOGUE, make_context(snapshot)) if each.check == "pods-known-outside"]
    assert f"1 pod with {key} (shop/gate-0" in found.evidence
    assert "192.0.2.9" in found.evidence


@pytest.mark.parametrize(
    ("annotations", "spec"),
    [
        ({"cni.projectcalico.org/podIP": "10.244.1.5/32", "cni.projectcalico.org/podIPs": "10.244.1.5/32"}, {}),
        ({"cni.projectcalico.org/ipAddrs": "[]"}, {}),
        ({"k8s.aliyun.com/pod-with-eip": "false", "kubernetes.io/machine": "x", "example.org/recipe": "tip"}, {}),
        ({"cni.projectcalico.org/ipAddrs": '["10.244.1.9"]'}, {"hostNetwork": True}),
        ({"cni.projectcalico.org/containerID": "c", "prometheus.io/scrape": "true", "checksum/config": "ip"}, {}),
        (
            {"k8s.v1.cni.cncf.io/network-status": "[]", "example.org/description": "ip", "zip": "x", "recipients": "y"},
            {},
        ),
    ],
)
def test_what_cnis_note_themselves_is_no_wish(annotations: dict[str, str], spec: Object) -> None:
    context = make_context(make_snapshot(pods=(asking(annotations, **spec),)))
    assert [each for each in run_checks(CATALOGUE, context) if each.check == "pods-known-outside"] == []


def test_a_namespace_that_asks_is_told() -> None:
    asked = wishes({"cni.projectcalico.org/ipv4pools": '["payments"]', "owner": "x"})
    context = make_context(make_snapshot(namespace_wishes={"payments": asked}))
    (found,) = [each for each in run_checks(CATALOGUE, context) if each.check == "pods-known-outside"]
    assert found.evidence.startswith('1 namespace with cni.projectcalico.org/ipv4pools (payments ["payments"])')


def test_what_a_cni_notes_on_every_pod_is_no_wish() -> None:
    """Three pods of three owners with their own addresses: nobody asked for these; one with another address did."""
    key = "k8s.example.com/pod-ips"
    pods = tuple(
        make_pod(f"web-{number}", address=f"10.244.1.{number}", address_wishes={key: f"10.244.1.{number}"})
        for number in (1, 2, 3)
    )
    assert told(make_snapshot(pods=pods)) == []
    assert len(told(make_snapshot(pods=(*pods, make_pod("db", address="10.244.1.9"))))) == 1
    assert len(told(make_snapshot(pods=pods[:1]))) == 1

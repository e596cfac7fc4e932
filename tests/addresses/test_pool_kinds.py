"""Kinds that are named like addresses, as API servers serve them: read where they may be, told where they may not."""

import json
from typing import Any

import pytest

from components.operations.addresses.outside_addresses import GROUPS
from components.operations.addresses.pool_kinds import ListedAddresses, listed
from stacks.addresses import Kind
from tests.operations.objects.test_policy_kinds import Serving

Object = dict[str, Any]
POOL = "10.245.0.0/16"
MACVLAN = {"type": "macvlan", "ipam": {"type": "whereabouts", "range": "10.245.3.0/24", "exclude": ["10.245.3.0/30"]}}
STATIC = {"plugins": [{"type": "sriov", "ipam": {"type": "static", "addresses": [{"address": "10.245.9.4/24"}]}}]}
RANGES = {"ipam": {"type": "host-local", "ranges": [[{"subnet": "10.245.7.0/24", "rangeStart": "10.245.7.8"}]]}}


def read(group: str, kind: str, *items: Object, **how: Any) -> ListedAddresses:
    served: dict[tuple[str, str], dict[str, Any]] = {(group, "v1"): {kind: how.get("refused") or list(items)}}
    return listed(Serving(served, aggregated=how.get("aggregated", True)), known=GROUPS)


def one(spec: Object | None = None, **fields: Any) -> Object:
    return {"metadata": {"name": "one", "namespace": "net"}, "spec": spec or {}, **fields}


@pytest.mark.parametrize("aggregated", [True, False])
@pytest.mark.parametrize(
    ("group", "kind", "item", "wanted"),
    [
        ("k8s.cni.cncf.io", "NetworkAttachmentDefinition", one({"config": json.dumps(MACVLAN)}),
         {("10.245.3.0/24", Kind.FURTHER), ("10.245.3.0/30", Kind.FURTHER)}),
        ("k8s.cni.cncf.io", "NetworkAttachmentDefinition", one({"config": json.dumps(STATIC)}),
         {("10.245.9.0/24", Kind.FURTHER)}),
        ("k8s.cni.cncf.io", "NetworkAttachmentDefinition", one({"config": json.dumps(RANGES)}),
         {("10.245.7.0/24", Kind.FURTHER), ("10.245.7.8/32", Kind.FURTHER)}),
        ("k8s.cni.cncf.io", "NetworkAttachmentDefinition", one({"config": '{"type": "dhcp"'}), set()),
        ("whereabouts.cni.cncf.io", "IPPool", one({"range": "10.245.3.0/24", "allocations": {"7": {"podref": "a/b"}}}),
         {("10.245.3.0/24", Kind.LISTED)}),
        ("whereabouts.cni.cncf.io", "NodeSlicePool", one({"range": "10.245.0.0/16", "sliceSize": "/22"}),
         {("10.245.0.0/16", Kind.FURTHER)}),
        ("k8s.ovn.org", "EgressIP", one({"egressIPs": ["10.245.0.5", "fd00:10:245::5"], "namespaceSelector": {}}),
         {("10.245.0.5/32", Kind.EGRESS), ("fd00:10:245::5/128", Kind.EGRESS)}),
        ("k8s.ovn.org", "ClusterUserDefinedNetwork",
         one({"network": {"layer3": {"subnets": [{"cidr": "10.245.0.0/16"}]}}}),
         {("10.245.0.0/16", Kind.FURTHER)}),
        ("network.openshift.io", "HostSubnet", {"metadata": {"name": "n"}, "egressIPs": ["10.245.0.5"]},
         {("10.245.0.5/32", Kind.EGRESS)}),
        ("kubeovn.io", "Subnet", one({"cidrBlock": "10.245.0.0/16,fd00:10:245::/112", "gateway": "10.245.0.1",
                                      "excludeIps": ["10.245.0.1..10.245.0.2"]}),
         {("10.245.0.0/16", Kind.FURTHER), ("fd00:10:245::/112", Kind.FURTHER), ("10.245.0.1/32", Kind.FURTHER),
          ("10.245.0.2/32", Kind.FURTHER)}),
        ("crd.antrea.io", "Egress", one({"egressIP": "10.245.0.5", "appliedTo": {}}), {("10.245.0.5/32", Kind.EGRESS)}),
        ("crd.antrea.io", "ExternalIPPool", one({"ipRanges": [{"start": "10.245.0.8", "end": "10.245.0.11"}]}),
         {("10.245.0.8/30", Kind.LISTED), ("10.245.0.8/32", Kind.LISTED), ("10.245.0.11/32", Kind.LISTED)}),
        ("spiderpool.spidernet.io", "SpiderIPPool", one({"subnet": "10.245.3.0/24", "ips": ["10.245.3.4-10.245.3.7"]}),
         {("10.245.3.0/24", Kind.LISTED), ("10.245.3.4/30", Kind.LISTED)}),
        ("gateway.networking.k8s.io", "Gateway",
         one({"addresses": [{"value": "10.245.0.9"}]}, status={"addresses": [{"value": "10.245.0.10"}]}),
         {("10.245.0.9/32", Kind.BALANCER), ("10.245.0.10/32", Kind.BALANCER)}),
        ("networking.istio.io", "Gateway", one({"servers": [{"bind": "0.0.0.0", "hosts": ["*"]}]}), set()),
        ("networking.istio.io", "ServiceEntry", one({"hosts": ["db.example.org"], "addresses": ["10.245.0.0/24"],
                                                     "endpoints": [{"address": "10.245.1.7"}]}),
         {("10.245.0.0/24", Kind.SERVER), ("10.245.1.7/32", Kind.SERVER)}),
        ("networking.istio.io", "WorkloadEntry", one({"address": "10.245.1.7"}), {("10.245.1.7/32", Kind.SERVER)}),
        ("ipam.cluster.x-k8s.io", "InClusterIPPool",
         one({"addresses": ["10.245.0.4-10.245.0.7"], "gateway": "10.245.0.1"}),
         {("10.245.0.4/30", Kind.LISTED), ("10.245.0.1/32", Kind.LISTED)}),
        ("cis.f5.com", "VirtualServer", one({"virtualServerAddress": "10.245.0.20"}),
         {("10.245.0.20/32", Kind.BALANCER)}),
        ("config.openshift.io", "Infrastructure",
         {"metadata": {"name": "cluster"}, "status": {"platformStatus": {"vsphere": {
             "apiServerInternalIPs": ["10.245.0.2"], "ingressIPs": ["10.245.0.3"], "machineNetworks": [POOL]}}}},
         {("10.245.0.2/32", Kind.VIRTUAL), ("10.245.0.3/32", Kind.VIRTUAL)}),
    ],
)  # fmt: skip
def test_what_is_named_like_addresses_is_read(
    group: str, kind: str, item: Object, wanted: set[tuple[str, Kind]], *, aggregated: bool
) -> None:
    found = read(group, kind, item, aggregated=aggregated)
    assert {(str(each.network), each.kind) for each in found.entries} == wanted
    assert all(each.likely is (each.kind is Kind.LISTED) for each in found.entries)
    assert found.unread == ()


@pytest.mark.parametrize(
    ("group", "kind"),
    [
        ("crd.projectcalico.org", "IPPool"),
        ("crd.projectcalico.org", "IPAMBlock"),
        ("networking.k8s.io", "IPAddress"),
        ("metallb.io", "IPAddressPool"),
        ("cilium.io", "CiliumPodIPPool"),
        ("kubeovn.io", "IP"),
        ("karpenter.sh", "NodePool"),
        ("monitoring.coreos.com", "Prometheus"),
        ("apps", "Deployment"),
        ("config.openshift.io", "Network"),
    ],
)
def test_what_others_read_and_what_is_no_address_is_not(group: str, kind: str) -> None:
    assert read(group, kind, one({"cidr": "10.245.0.0/16"})) == ListedAddresses()


def test_a_kind_that_cannot_be_listed_is_told_and_one_that_is_gone_is_not() -> None:
    for status in (403, 500, 503):
        assert read("whereabouts.cni.cncf.io", "IPPool", refused=status).unread == ("ippools.whereabouts.cni.cncf.io",)
    assert read("whereabouts.cni.cncf.io", "IPPool", refused=404) == ListedAddresses()

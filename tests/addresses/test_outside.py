"""Addresses in objects of other projects, as an API server that serves some of their kinds has them."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import pytest

from components.operations.addresses import outside_addresses
from components.operations.addresses.cluster_settings import of_kube_proxy
from components.operations.addresses.outside_addresses import api_servers, balancers
from components.operations.addresses.target_groups import target_groups
from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError
from stacks.addresses import ByName, Entry, Kind, networks_of

T = TypeVar("T")
NAMED = "cluster.example.org"
Object = dict[str, Any]


class Serving(Cluster):
    """Answers at some paths, and lists that are denied."""

    def __init__(
        self, lists: Mapping[str, list[Object]] | None = None, *, server: str = "", denied: tuple[str, ...] = ()
    ) -> None:
        self.server, self.denied, self.lists = server, denied, lists or {}
        self.objects: dict[str, Object] = {}

    def find(self, path: str, **_query: Any) -> Object | None:
        if path in self.objects:
            return self.objects[path]
        versions = sorted({"/".join(each.split("/")[:2]) for each in self.lists})
        group = path.removeprefix("/apis/")
        found = [each for each in versions if each.split("/")[0] == group]
        if found:
            return {"versions": [{"groupVersion": each} for each in found]}
        names = [each.split("/")[2] for each in self.lists if each.startswith(f"{group}/")]
        return {"resources": [{"name": each} for each in names]} if names else None

    def read_all(self, path: str, make: Callable[[Object], T], **_query: Any) -> list[T]:
        name = path.removeprefix("/apis/")
        if name in self.denied:
            raise ClusterError("no", status=403)
        return [make(each) for each in self.lists[name]]


def item(**spec: Any) -> Object:
    return {"metadata": {"name": "one"}, "spec": spec}


def told(entries: list[Entry]) -> set[tuple[str, Kind]]:
    return {(str(each.network), each.kind) for each in entries}


@pytest.mark.parametrize(
    ("resource", "spec", "found"),
    [
        ("metallb.io/v1beta1/ipaddresspools", {"addresses": ["10.9.0.0/24", "10.8.0.0-10.8.0.1", "fd00::/120"]},
         {("10.9.0.0/24", Kind.BALANCER), ("10.8.0.0/31", Kind.BALANCER), ("fd00::/120", Kind.BALANCER)}),
        ("metallb.io/v1beta2/bgppeers", {"peerAddress": "10.1.1.1", "peerASN": 64512, "password": "x"},
         {("10.1.1.1/32", Kind.ROUTER)}),
        ("cilium.io/v2alpha1/ciliumloadbalancerippools",
         {"blocks": [{"cidr": "10.9.0.0/24"}, {"start": "10.8.0.0", "stop": "10.8.0.3"}]},
         {("10.9.0.0/24", Kind.BALANCER), ("10.8.0.0/30", Kind.BALANCER), ("10.8.0.0/32", Kind.BALANCER),
          ("10.8.0.3/32", Kind.BALANCER)}),
        ("cilium.io/v2/ciliumbgpclusterconfigs",
         {"bgpInstances": [{"name": "a", "peers": [{"peerAddress": "fd00::1", "peerASN": 1}]}]},
         {("fd00::1/128", Kind.ROUTER)}),
        ("purelb.io/v1/servicegroups", {"local": {"v4": [{"pool": "10.9.0.0-10.9.0.3", "subnet": "10.9.0.0/16"}]}},
         {("10.9.0.0/30", Kind.BALANCER), ("10.9.0.0/16", Kind.BALANCER)}),
        ("network.kubesphere.io/v1alpha2/eips", {"address": "10.9.0.4-10.9.0.7"}, {("10.9.0.4/30", Kind.BALANCER)}),
    ],
)  # fmt: skip
def test_pools_and_routers_of_load_balancers_are_read(
    resource: str, spec: Object, found: set[tuple[str, Kind]]
) -> None:
    assert told(balancers(Serving({resource: [item(**spec)]}))) == found


@pytest.mark.parametrize(
    ("place", "data"),
    [
        ("kube-system/configmaps/kubevip", {"cidr-global": "10.9.0.0/24"}),
        ("kube-system/configmaps/kubevip", {"range-shop": "10.9.0.0-10.9.0.255"}),
        ("metallb-system/configmaps/config", {"config": "address-pools:\n- name: a\n  addresses: [10.9.0.0/24]\n"}),
    ],
)
def test_pools_in_settings_are_read(place: str, data: dict[str, str]) -> None:
    cluster = Serving()
    cluster.objects[f"/api/v1/namespaces/{place}"] = {"data": data}
    assert told(balancers(cluster)) == {("10.9.0.0/24", Kind.BALANCER)}


def test_what_is_denied_leaves_the_others() -> None:
    pools, peers = "metallb.io/v1beta1/ipaddresspools", "metallb.io/v1beta1/bgppeers"
    served = {pools: [item(addresses=["10.9.0.0/24"])], peers: [item(peerAddress="10.1.1.1")]}
    cluster = Serving(served, denied=(pools,))
    assert told(balancers(cluster)) == {("10.1.1.1/32", Kind.ROUTER)}
    assert balancers(Serving()) == []


@pytest.mark.parametrize(
    ("server", "more"),
    [
        ("https://10.1.2.100:6443", {"10.1.2.100/32"}),
        ("https://[fd00::9]:6443", {"fd00::9/128"}),
        ("https://cluster.example.org", {"192.0.2.7/32"}),
        ("https://other.example.org:6443", set()),
        ("https://127.0.0.1:6443", set()),
    ],
)
def test_the_api_server_is_where_its_service_leads_and_where_the_kubeconfig_asks(
    server: str, more: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outside_addresses, "resolved", lambda host: networks_of("192.0.2.7") if host == NAMED else ())
    cluster = Serving(server=server)
    cluster.objects["/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes"] = {
        "endpoints": [{"addresses": ["10.245.0.4"]}]
    }
    found = [each for each in api_servers(cluster) if isinstance(each, Entry)]
    assert {str(each.network) for each in found} == {"10.245.0.4/32", *more}
    assert [str(each.network) for each in found if each.owner] == ["10.245.0.4/32"]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("server: https://10.245.0.4:6443", ["10.245.0.4/32"]),
        ('server: "https://[fd00::4]:6443"', ["fd00::4/128"]),
        ("server: https://cluster.example.org:6443", []),
        ("server: https://127.0.0.1:7443", []),
    ],
)
def test_a_balancer_of_the_api_server_is_known_by_kube_proxy(line: str, found: list[str]) -> None:
    text = f"kind: Config\nclusters:\n- cluster:\n    certificate-authority: /x\n    {line}\n  name: default\n"
    servers = of_kube_proxy({"data": {"kubeconfig.conf": text}})
    assert [str(each.network) for each in servers if isinstance(each, Entry)] == found
    assert [each.host for each in servers if isinstance(each, ByName)] == ([] if "//1" in line or found else [NAMED])
    assert of_kube_proxy(None) == []


def test_target_groups_that_lead_straight_to_pods_are_read() -> None:
    """The controller makes a binding whoever asked for it, also where its own default is to lead to pods."""
    bindings, params = "elbv2.k8s.aws/v1beta1/targetgroupbindings", "elbv2.k8s.aws/v1beta1/ingressclassparams"
    lists = {
        bindings: [
            {"metadata": {"namespace": "shop", "name": "k8s-shop-web"}, "spec": {"targetType": "ip"}},
            {"metadata": {"namespace": "shop", "name": "k8s-shop-old"}, "spec": {"targetType": "instance"}},
            {"metadata": {"namespace": "shop", "name": "unsaid"}},
        ],
        params: [item(targetType="ip"), item()],
    }
    assert target_groups(Serving(lists)) == [
        "IngressClassParams one (targetType: ip)", "TargetGroupBinding shop/k8s-shop-web (targetType: ip)",
    ]  # fmt: skip
    assert target_groups(Serving(lists, denied=(bindings,))) == ["IngressClassParams one (targetType: ip)"]
    assert target_groups(Serving()) == []

"""Further addresses that clusters have: of nodes' other devices and tables, of Services, of endpoints made by hand."""

import json
from typing import Any

import pytest

from components.checks import CATALOGUE, Context, Finding, Severity, run_checks
from components.operations.addresses.manual_endpoints import endpoints
from components.operations.addresses.outside_addresses import balancers, of_ingress
from components.operations.cluster_api.api import Cluster
from components.operations.objects.model import Pod
from components.operations.objects.services import Service
from components.operations.observing import _service_networks
from components.operations.snapshot import Snapshot
from components.settling import uplinks
from stacks.addresses import ByName, Entry, Kind, networks_of
from stacks.config import parse_config
from stacks.policies import Verdict
from tests.addresses.test_outside import Serving, item, told
from tests.builders import FLANNEL, make_context, make_facts, make_node, make_pod, make_snapshot

Object = dict[str, Any]
POOL = "10.245.0.0/16"
DUAL = ("10.244.0.0/16", "fd00:10:244::/56")


def facts(**fields: Any) -> Snapshot:
    return make_snapshot(facts={"worker-1": make_facts(**fields)})


def noted(**annotations: str) -> Snapshot:
    return make_snapshot(
        nodes=(make_node("worker-1", annotations={k.replace("_", "-"): v for k, v in annotations.items()}),)
    )


def service(annotations: dict[str, str] | None = None, **spec: Any) -> Snapshot:
    metadata = {"namespace": "edge", "name": "web", "annotations": annotations or {}}
    return make_snapshot(services=(Service.read({"metadata": metadata, "spec": {"clusterIP": "10.96.4.4", **spec}}),))


def pod(*, annotations: dict[str, str] | None = None, **fields: Any) -> Snapshot:
    status = fields.pop("status", {})
    metadata = {"namespace": "net", "name": "one", "uid": "u", "annotations": annotations or {}}
    return make_snapshot(
        pods=(Pod.read({"metadata": metadata, "spec": {"nodeName": "worker-1", **fields}, "status": status}),)
    )


def network_status(*addresses: str) -> dict[str, str]:
    listed = [
        {"name": "cbr0", "default": True, "ips": ["10.245.77.1"]},
        {"name": "lan", "interface": "net1", "ips": [*addresses]},
    ]
    return {"k8s.v1.cni.cncf.io/network-status": json.dumps(listed)}


def entry(text: str, kind: Kind, *, likely: bool = False, user: str = "somebody") -> Entry:
    (network,) = networks_of(text)
    return Entry(network=network, kind=kind, user=user, likely=likely)


USED: dict[str, Snapshot] = {
    "a route of a VPN's own table": facts(further_routes=(("10.245.0.0/24", "tailscale0"),)),
    "a route to a peered network": facts(routes=(("10.245.0.0/18", "ens5"),)),
    "a bridge that is down": facts(addresses=(("virbr0", "10.245.128.1/20"),)),
    "a bridge of Docker's": facts(addresses=(("docker0", "10.245.200.1/21"),)),
    "a WireGuard device": facts(addresses=(("wg0", "10.245.9.1/24"),)),
    "a blackhole": facts(routes=(("10.245.0.0/26", "*"),)),
    "a second family's address of a pod on the host": pod(
        hostNetwork=True, status={"podIP": "172.30.0.11", "podIPs": [{"ip": "172.30.0.11"}, {"ip": "10.245.0.11"}]}
    ),
    "what kube-router noted": noted(**{"kube-router.io/bgp-local-addresses": "10.245.0.9,10.245.0.10"}),
    "what OVN noted": noted(**{"k8s.ovn.org/node-primary-ifaddr": '{"ipv4":"10.245.0.9/24"}'}),
    "what kilo noted": noted(**{"kilo.squat.ai/wireguard-ip": "10.245.4.0/32"}),
    "an address and a port": noted(**{"kilo.squat.ai/endpoint": "10.245.1.1:51820"}),
    "what k3s was started with": noted(**{"k3s.io/node-args": '["server","--tls-san","10.245.0.100"]'}),
    "a peer that is noted": noted(**{"metal.equinix.com/bgp-peers-0-peer-ip": "10.245.0.1"}),
    "MetalLB's wish": service({"metallb.io/loadBalancerIPs": "10.245.0.7,fd00::7"}, type="LoadBalancer"),
    "kube-vip's wish": service({"kube-vip.io/loadbalancerIPs": "10.245.0.7"}, type="LoadBalancer"),
    "Cilium's wish": service({"lbipam.cilium.io/ips": "10.245.0.7"}, type="LoadBalancer"),
    "Azure's wish": service({"service.beta.kubernetes.io/azure-load-balancer-ipv4": "10.245.0.7"}, type="LoadBalancer"),
    "IPv4 in IPv6's notation": service(externalIPs=["::ffff:10.245.0.9"]),
    "leading zeros": service(externalIPs=["10.245.000.009"]),
    "a Service outside of the ranges": service(clusterIP="10.245.0.10"),
    "Multus' addresses": pod(annotations=network_status("10.245.3.7"), status={"podIP": "10.244.1.8"}),
    "Multus' wishes": pod(annotations={"k8s.v1.cni.cncf.io/networks": '[{"name": "lan", "ips": ["10.245.3.7/24"]}]'}),
    "keepalived under another image": pod(
        hostNetwork=True, containers=[{"name": "keepalived", "image": "ha:1", "command": ["/run", "--vip=10.245.0.3"]}]
    ),
    "keepalived with the length of its network": pod(
        hostNetwork=True, containers=[{"image": "keepalived", "env": [{"name": "VIP", "value": "10.245.0.3/24 dev a"}]}]
    ),
    "a name server of a pod": pod(dnsConfig={"nameservers": ["10.245.0.53"]}, status={"podIP": "10.244.1.9"}),
    "a host's name in a pod": pod(hostAliases=[{"ip": "10.245.0.53", "hostnames": ["db"]}]),
    "a target of a name": service({"external-dns.alpha.kubernetes.io/target": "10.245.0.9"}),
    "an endpoint made by hand": make_snapshot(named_addresses=(entry("10.245.0.8", Kind.ENDPOINT),)),
}  # fmt: skip
PROBABLY: dict[str, Snapshot] = {
    "clients of a load balancer": service(loadBalancerSourceRanges=["10.245.0.0/24"]),
    "clients by annotation": service({"example.org/load-balancer-source-ranges": "10.245.0.0/24,10.9.0.0/24"}),
    "an object named like a pool": make_snapshot(named_addresses=(entry("10.245.0.0/24", Kind.LISTED, likely=True),)),
}  # fmt: skip
UNUSED: dict[str, Snapshot] = {
    "the default route in halves": facts(routes=(("0.0.0.0/1", "tun0"), ("128.0.0.0/1", "tun0"), ("::/1", "tun0"))),
    "what Cilium noted": noted(**{"network.cilium.io/ipv4-cilium-host": "10.245.0.9", "io.cilium.x": "10.245.0.9"}),
    "a network that is noted": noted(**{"k8s.ovn.org/node-subnets": '{"default":["10.245.2.0/23"]}'}),
    "no address": noted(a="v1.2.3", b="{", c="10:245", d='{"x": ["y"]}', e="2026-11-27T00:00:00Z"),
    "Multus' note of the cluster's own network": pod(annotations=network_status(), status={"podIP": "10.244.1.8"}),
    "Cilium's own device": facts(routes=((POOL, "cilium_host"),), addresses=(("cilium_host", "10.245.1.1/24"),)),
    "an annotation of another matter": service({"a.org/versions": "10.245.0.1", "a.org/clip": "see 10.245.0.1"}),
}  # fmt: skip


def clashes(snapshot: Snapshot) -> list[Finding]:
    found = run_checks(CATALOGUE, make_context(snapshot, phase="secondary", cilium={"podCidr": POOL}))
    return [each for each in found if each.check == "pod-cidr-free"]


@pytest.mark.parametrize("name", [*USED, *PROBABLY])
def test_what_is_in_use_is_not_chosen_and_a_wish_for_it_is_told(name: str) -> None:
    snapshot = {**USED, **PROBABLY}[name]
    assert make_context(snapshot, phase="secondary").cilium.pod_cidr != POOL
    (found,) = clashes(snapshot)
    assert found.severity is (Severity.BLOCKER if name in USED else Severity.WARNING)
    assert f"{POOL} overlaps 10.245." in found.evidence


@pytest.mark.parametrize("name", UNUSED)
def test_what_is_not_in_use_keeps_nothing_from_being_chosen(name: str) -> None:
    assert make_context(UNUSED[name], phase="secondary").cilium.pod_cidr == POOL
    assert clashes(UNUSED[name]) == []


def test_routes_of_ipv6_are_kept_out_of_the_second_pool() -> None:
    nodes = tuple(
        make_node(f"worker-{number}", pod_cidrs=(f"10.244.{number}.0/24", f"fd00:10:244:{number}::/64"))
        for number in (1, 2, 3)
    )
    source = FLANNEL.model_copy(update={"pod_networks": DUAL})
    config = parse_config({"phase": "secondary"})

    def second_pool(**fields: Any) -> str:
        return Context(config=config, snapshot=make_snapshot(nodes=nodes, **fields), source=source).cilium.pools[1]

    assert second_pool().startswith("fd00:10:245:")
    for seen in (
        make_facts(routes=(("fd00:10:245::/48", "eth1"),)),
        make_facts(further_routes=(("fd00:10:245::/64", "wg0"),)),
        make_facts(addresses=(("eth1", "fd00:10:245::ffff:1/64"),)),
    ):
        assert second_pool(facts={"worker-1": seen}).startswith("fd00:10:246:")


def test_a_name_server_of_pods_on_their_own_link_is_the_nodes_own() -> None:
    seen = pod(dnsConfig={"nameservers": ["169.254.20.10", "10.96.0.10"]}, status={"podIP": "10.244.1.9"})
    found = [
        (str(each.network), each.kind) for each in make_context(seen).addresses.entries if "name server" in each.user
    ]
    assert found == [("169.254.20.10/32", Kind.LOCAL_DNS)]


def test_each_family_has_a_way_of_its_own_to_the_other_nodes() -> None:
    node = make_node("worker-1", internal_addresses=("172.30.0.11", "fd00:30::11"))
    routes = (("172.30.0.0/24", "eth0"), ("172.16.0.0/12", "eth9"), ("fd00:30::/64", "eth1"), ("fd00::/8", "eth9"))
    seen = make_facts(interfaces={"eth0": 1500, "eth1": 1400, "eth9": 1300}, routes=routes)
    assert uplinks(node, seen, old_links=()) == {"eth0": 1500, "eth1": 1400}


def test_every_address_of_a_cluster_with_a_balancer_by_ranges_is_read() -> None:
    pools = Serving({
        "metallb.io/v1beta1/addresspools": [item(protocol="bgp", addresses=["10.245.0.0/30"], avoidBuggyIPs=True)],
        "metallb.io/v1beta1/ipaddresspools": [item(addresses=["10.245.1.4 - 10.245.1.7"], avoidBuggyIPs=True)],
        "cilium.io/v2alpha1/ciliumloadbalancerippools": [
            item(cidrs=[{"cidr": "10.245.2.0/24"}], blocks=[{"start": "10.245.3.9"}])
        ],
    })  # fmt: skip
    pools.objects["/api/v1/namespaces/metallb-system/configmaps/config"] = {
        "data": {"config": "address-pools:\n- name: a\n  addresses:\n  - 10.245.4.0 - 10.245.4.3\n"}
    }
    wanted = ("10.245.0.0/30", "10.245.1.4/30", "10.245.2.0/24", "10.245.3.9/32", "10.245.4.0/30")
    assert told(balancers(pools)) == {(each, Kind.BALANCER) for each in wanted}


def test_an_ingress_is_where_its_status_says() -> None:
    metadata = {"namespace": "shop", "name": "web"}
    status = {"loadBalancer": {"ingress": [{"ip": "10.245.0.9"}, {"hostname": "lb.example.org"}]}}
    assert told(of_ingress({"metadata": metadata, "status": status})) == {("10.245.0.9/32", Kind.BALANCER)}
    assert of_ingress({"metadata": metadata}) == []


class Ranges(Cluster):
    """Serves ranges of Services in one version."""

    def __init__(self, version: str) -> None:
        self.version = version

    def get(self, path: str, **_query: Any) -> Object:
        served = f"/{self.version}/" in path
        return {
            "items": [{"spec": {"cidrs": ["10.96.0.0/16"]}}, {"spec": {"cidrs": ["10.97.0.0/16"]}}] if served else []
        }


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_further_ranges_of_services_are_read_in_either_version(version: str) -> None:
    assert _service_networks(Ranges(version)) == ["10.96.0.0/16", "10.97.0.0/16"]


class Slices(Cluster):
    """Has EndpointSlices, and answers with those that a selector asks for."""

    def __init__(self, *items: Object) -> None:
        self.items, self.asked = items, ""

    def get(self, path: str, **query: Any) -> Object:
        assert path == "/apis/discovery.k8s.io/v1/endpointslices"
        self.asked = query["labelSelector"]
        return {"items": list(self.items)}


def endpoint_slice(*addresses: str, namespace: str = "shop", service: str = "db", **endpoint: Any) -> Object:
    metadata = {"namespace": namespace, "name": f"{service}-x", "labels": {"kubernetes.io/service-name": service}}
    return {"metadata": metadata, "endpoints": [{"addresses": [each], **endpoint} for each in addresses]}


def test_endpoints_that_no_selector_led_to_are_read_but_for_pods_and_the_api_server() -> None:
    cluster = Slices(
        endpoint_slice("10.245.0.8", "db.example.org"),
        endpoint_slice("10.244.1.9", service="leader", targetRef={"kind": "Pod", "name": "db-0"}),
        endpoint_slice("172.30.0.11", namespace="default", service="kubernetes"),
        {"metadata": {"namespace": "shop", "name": "none"}, "endpoints": None},
    )
    found = endpoints(cluster)
    assert [each.host if isinstance(each, ByName) else str(each.network) for each in found] == [
        "10.245.0.8/32",
        "db.example.org",
    ]
    assert found[0].user == "Service shop/db (its endpoints)"
    assert cluster.asked == "endpointslice.kubernetes.io/managed-by!=endpointslice-controller.k8s.io"


def test_an_endpoint_made_by_hand_is_told_in_a_rule_that_names_it() -> None:
    def fate(cidr: str) -> Any:
        spec = {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [{"ipBlock": {"cidr": cidr}}]}]}
        seen = make_snapshot(
            named_addresses=(entry("10.9.0.8", Kind.ENDPOINT, user="Service shop/db (its endpoints)"),),
            policy_objects=({"metadata": {"namespace": "shop", "name": "out"}, "spec": spec},),
        )
        (found,) = make_context(seen).policies.entries
        return found

    named = fate("10.9.0.8/32")
    assert named.verdict is Verdict.AS_IS
    assert (
        "a server behind a Service without selector, Service shop/db (its endpoints): outside it is meant"
        in named.notes[0]
    )
    assert not [each for each in fate("10.9.0.0/16").notes if "selector" in each]


@pytest.mark.parametrize(
    ("address", "count"), [("10.244.1.9", 1), ("172.30.0.11", 0), ("10.9.0.8", 0), ("10.96.0.20", 0)]
)
def test_an_endpoint_made_by_hand_that_is_a_pods_address_is_a_finding(address: str, count: int) -> None:
    seen = make_snapshot(pods=(make_pod("db", address="10.244.1.9"),), named_addresses=(entry(address, Kind.ENDPOINT),))
    found = [each for each in run_checks(CATALOGUE, make_context(seen)) if each.check == "endpoints-by-hand"]
    assert len(found) == count
    assert all(
        "1 endpoint made by hand in the old pod network: somebody to 10.244.1.9" in each.evidence for each in found
    )
    inside = [each for each in make_context(seen).addresses.entries if each.kind is Kind.ENDPOINT]
    assert bool(inside) == (address == "10.9.0.8")


def test_an_api_server_elsewhere_that_asks_pods_to_convert_is_told() -> None:
    service = Service.read({"metadata": {"namespace": "a", "name": "hook"}, "spec": {"selector": {"app": "hook"}}})
    seen = make_snapshot(
        services=(service,), converters=(("certs.example.org", "a", "hook"),),
        pods=(make_pod("hook", namespace="a"),),
    )  # fmt: skip
    (found,) = [each for each in run_checks(CATALOGUE, make_context(seen)) if each.check == "managed-control-plane"]
    assert "the conversion of certs.example.org" in found.evidence

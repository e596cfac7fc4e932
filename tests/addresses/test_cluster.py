"""The owners of a cluster's addresses: nothing of it is chosen as Cilium's pool, and a wish that meets it is told."""

from typing import Any

import pytest

from components.addresses import register_of
from components.checks import CATALOGUE, Severity, run_checks
from components.operations.addresses.outside_addresses import of_volume, of_webhooks
from components.operations.objects.model import Node, Pod
from components.operations.objects.services import Service
from components.operations.snapshot import Snapshot
from stacks.addresses import Entry, Kind, networks_of
from tests.builders import FLANNEL, make_context, make_facts, make_node, make_pod, make_snapshot, secondary
from tests.call_counts import calls_of

Object = dict[str, Any]
POOL = "10.245.0.0/16"  # what would be chosen if nothing were there


def service(**fields: Any) -> Service:
    spec = {"clusterIP": "10.96.4.4", "clusterIPs": ["10.96.4.4"], **fields.pop("spec", {})}
    return Service.read({"metadata": {"namespace": "edge", "name": "web"}, "spec": spec, **fields})


def of_calico(kind: str, **spec: Any) -> Object:
    return {"metadata": {"name": "one"}, "kind": kind, "spec": spec}


def node(**status: Any) -> Node:
    return Node.read({"metadata": {"name": "worker-9", **status.pop("metadata", {})}, "spec": {}, "status": status})


def pod(**fields: Any) -> Pod:
    spec = {"nodeName": "worker-1", "hostNetwork": True, **fields}
    return Pod.read({"metadata": {"namespace": "kube-system", "name": "vip", "uid": "u"}, "spec": spec, "status": {}})


def container(image: str, *, args: list[str] | None = None, **environment: str) -> Object:
    return {"image": image, "args": args or [], "env": [{"name": k, "value": v} for k, v in environment.items()]}


def daemon_set(*words: str) -> Object:
    spec = {"hostNetwork": True, "containers": [{"image": "dns-cache", "command": ["/cache"], "args": list(words)}]}
    return {"metadata": {"namespace": "kube-system", "name": "dns"}, "spec": {"template": {"spec": spec}}}


def entry(text: str, kind: Kind) -> Entry:
    (network,) = networks_of(text)
    return Entry(network=network, kind=kind, user=kind)


def with_daemon_set(*words: str) -> Snapshot:
    plain = make_snapshot()
    return make_snapshot(daemon_sets=(*plain.daemon_sets, daemon_set(*words)))


def facts(*addresses: tuple[str, str]) -> Snapshot:
    return make_snapshot(facts={"worker-1": make_facts(interfaces={"eth0": 1500}, addresses=addresses)})


BLOCKS: dict[str, Snapshot] = {
    "ExternalIP": make_snapshot(nodes=(node(addresses=[{"type": "ExternalIP", "address": "10.245.0.9"}]),)),
    "a second device": facts(("eth1", "10.245.7.1/24")),
    "keepalived, by its device": facts(("eth0", "10.245.7.9/32")),
    "an address that Calico wrote down": make_snapshot(
        nodes=(node(metadata={"annotations": {"projectcalico.org/IPv4Address": "10.245.0.7/24"}}),)
    ),
    "kube-vip": make_snapshot(
        pods=(pod(containers=[container("ghcr.io/kube-vip/kube-vip:v1.0.1", address="10.245.0.100")]),)
    ),
    "keepalived in a pod": make_snapshot(
        pods=(pod(containers=[container("osixia/keepalived:2", KEEPALIVED_VIRTUAL_IPS="#PYTHON2BASH:['10.245.0.3']")]),)
    ),
    "NodeLocal DNS": with_daemon_set("-localip", "10.245.20.10,10.96.0.10"),
    "NodeLocal DNS, joined": with_daemon_set("--localip=10.245.20.10"),
    "NodeLocal DNS, by its device": facts(("nodelocaldns", "10.245.20.10/32")),
    "pods of no known network": make_snapshot(pods=(make_pod("lost", address="10.245.1.7"),)),
    "pods that Cilium does not run": make_snapshot(
        nodes=(*make_snapshot().nodes, make_node("virtual-9", labels={"type": "virtual-kubelet"})),
        pods=(make_pod("far", node="virtual-9", address="10.245.1.7"),),
    ),
    "pods' second addresses": make_snapshot(pods=(make_pod("two", more_addresses=("10.245.1.7",)),)),
    "a disabled pool that holds pods": make_snapshot(
        pods=(make_pod("old", address="10.245.1.7"),),
        calico={"IPPool": (of_calico("IPPool", cidr="10.245.0.0/20", disabled=True),)},
    ),
    "externalIPs": make_snapshot(services=(service(spec={"externalIPs": ["10.245.0.9"]}),)),
    "a load balancer's status": make_snapshot(
        services=(service(status={"loadBalancer": {"ingress": [{"hostname": "x.example.org"}, {"ip": "10.245.1.1"}]}}),)
    ),
    "a load balancer's wish": make_snapshot(services=(service(spec={"loadBalancerIP": "10.245.1.1"}),)),
    "Calico's pool for load balancers": make_snapshot(
        calico={"IPPool": (of_calico("IPPool", cidr="10.245.2.0/24", allowedUses=["LoadBalancer"]),)}
    ),
    "what Calico announces": make_snapshot(
        calico={"BGPConfiguration": (of_calico("BGPConfiguration", serviceExternalIPs=[{"cidr": "10.245.2.0/24"}]),)}
    ),
    "Calico's peer": make_snapshot(calico={"BGPPeer": (of_calico("BGPPeer", peerIP="10.245.0.1:179"),)}),
    "what was named elsewhere": make_snapshot(named_addresses=(entry("10.245.0.4", Kind.API_SERVER),)),
    "a webhook by URL": make_snapshot(
        named_addresses=tuple(
            of_webhooks({"webhooks": [{"name": "a", "clientConfig": {"url": "https://10.245.3.3:8443/check"}}]})
        )
    ),
    "NFS": make_snapshot(
        named_addresses=tuple(of_volume({"metadata": {"name": "v"}, "spec": {"nfs": {"server": "10.245.8.8"}}}))
    ),
    "NFS by CSI": make_snapshot(
        named_addresses=tuple(
            of_volume(
                {"metadata": {"name": "v"}, "spec": {"csi": {"volumeAttributes": {"server": "10.245.8.8"}}}}
            )
        )
    ),
    "Ceph's monitors in a pod": make_snapshot(
        pods=(pod(volumes=[{"name": "v", "cephfs": {"monitors": ["10.245.4.1:6789", "10.245.4.2:6789"]}}]),)
    ),
}  # fmt: skip
LIKELY: dict[str, Snapshot] = {
    "a disabled pool that is empty": make_snapshot(
        calico={"IPPool": (of_calico("IPPool", cidr="10.245.0.0/20", disabled=True),)}
    ),
    "what a policy allows": make_snapshot(
        policy_objects=(
            {"metadata": {"namespace": "shop", "name": "db"},
             "spec": {"egress": [{"to": [{"ipBlock": {"cidr": "10.245.7.0/24"}}]}]}},
        )
    ),
    "a network set": make_snapshot(calico={"GlobalNetworkSet": (of_calico("GlobalNetworkSet", nets=["10.245.7.1"]),)}),
}  # fmt: skip


@pytest.mark.parametrize("name", [*BLOCKS, *LIKELY])
def test_what_is_in_use_is_not_chosen(name: str) -> None:
    chosen = make_context({**BLOCKS, **LIKELY}[name], phase="secondary").cilium.pod_cidr
    assert chosen not in ("", POOL)
    assert not [
        each
        for each in run_checks(CATALOGUE, make_context({**BLOCKS, **LIKELY}[name]))
        if each.check == "pod-cidr-free"
    ]


@pytest.mark.parametrize("name", [*BLOCKS, *LIKELY])
def test_a_wish_that_meets_what_is_in_use_is_told(name: str) -> None:
    context = make_context({**BLOCKS, **LIKELY}[name], phase="secondary", cilium={"podCidr": POOL})
    (found,) = [each for each in run_checks(CATALOGUE, context) if each.check == "pod-cidr-free"]
    assert found.severity is (Severity.BLOCKER if name in BLOCKS else Severity.WARNING)
    assert found.evidence.startswith(f"cilium.podCidr {POOL} overlaps 10.245.")


def test_a_network_among_a_programs_settings_is_no_address_that_it_moves() -> None:
    kube_vip = container("kube-vip", NO_PROXY="10.0.0.0/8", address="10.245.0.100")
    seen = make_snapshot(pods=(pod(containers=[kube_vip], volumes=[{"name": "v", "nfs": {"server": "10.0.0.0/8"}}]),))
    assert make_context(seen).cilium.pod_cidr == "10.246.0.0/16"


def test_a_policy_that_means_the_whole_inside_keeps_nothing_from_being_chosen() -> None:
    spec = {"egress": [{"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}}]}]}
    seen = make_snapshot(policy_objects=({"metadata": {"namespace": "shop", "name": "out"}, "spec": spec},))
    assert make_context(seen).cilium.pod_cidr == POOL


def test_what_is_ciliums_own_is_no_clash() -> None:
    seen = secondary(
        pods=(make_pod("moved", address="10.245.1.7"),),
        nodes=(make_node("worker-1", annotations={"projectcalico.org/IPv4Address": "10.245.1.1/32"}),),
        facts={"worker-1": make_facts(addresses=(("cilium_host", "10.245.1.1/32"), ("cni0", "10.244.1.1/24")))},
    )
    assert not register_of(seen, FLANNEL).touching(networks_of(POOL)[0])
    assert not [
        each for each in run_checks(CATALOGUE, make_context(seen, phase="secondary")) if each.check == "pod-cidr-free"
    ]


def test_each_of_these_is_called_what_it_is() -> None:
    seen = make_snapshot(
        daemon_sets=(daemon_set("-localip", "169.254.20.10,10.96.0.10"),),
        facts={
            "worker-1": make_facts(
                addresses=(("eth0", "172.30.0.11/24"), ("eth0", "172.30.0.200/32"), ("flannel.1", "10.244.1.0/32"))
            ),
        },
    )
    found = {
        str(each.network): each.kind for each in register_of(seen, FLANNEL).entries if each.network.prefixlen == 32
    }
    assert found == {
        "172.30.0.11/32": Kind.NODE, "172.30.0.12/32": Kind.NODE, "172.30.0.13/32": Kind.NODE,
        "172.30.0.200/32": Kind.DEVICE, "169.254.20.10/32": Kind.LOCAL_DNS, "10.96.0.10/32": Kind.LOCAL_DNS,
    }  # fmt: skip


def crowded(nodes: int) -> Snapshot:
    """So many nodes with ten pods each and a network apart."""
    return Snapshot(
        nodes=tuple(
            make_node(
                f"worker-{n}",
                internal_addresses=(f"172.16.{n // 250}.{n % 250}",),
                pod_cidrs=(f"10.{n // 250}.{n % 250}.0/24",),
            )
            for n in range(nodes)
        ),
        pods=tuple(
            make_pod(f"web-{n}-{place}", node=f"worker-{n}", address=f"10.{n // 250}.{n % 250}.{place + 5}")
            for n in range(nodes)
            for place in range(10)
        ),
        facts={
            f"worker-{n}": make_facts(addresses=(("eth1", f"192.168.{n // 250}.{n % 250}/24"),)) for n in range(nodes)
        },
    )


def test_a_cluster_of_twice_as_many_nodes_is_registered_by_twice_as_many_calls() -> None:
    few, many = crowded(50), crowded(100)
    assert calls_of(register_of, many, FLANNEL) < 2.2 * calls_of(register_of, few, FLANNEL)
    assert len(register_of(many, FLANNEL).of(Kind.POD)) > 1_000

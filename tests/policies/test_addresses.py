"""A network in a policy that holds addresses within the cluster: told as what Cilium takes it for, or lost."""

from dataclasses import replace
from typing import Any

import pytest

from components.operations.objects.services import Service
from stacks.addresses import Entry, Kind, Register, networks_of
from stacks.policies import Entry as Told
from stacks.policies import Surroundings, Verdict, take_inventory
from tests.builders import make_context, make_facts, make_node, make_pod, make_snapshot

Object = dict[str, Any]


def entries(kind: Kind, *texts: str, owner: str = "") -> list[Entry]:
    user = f"a {kind.name}"
    return [Entry(network=each, kind=kind, user=user, owner=owner) for text in texts for each in networks_of(text)]


SITE = Surroundings(
    pod_networks=("10.244.0.0/16",),
    node_addresses={"n1": ("172.30.0.11", "203.0.113.11"), "n2": ("172.30.0.12", "203.0.113.12")},
    engine="Calico",
    calico=True,
    addresses=Register(
        [
            *entries(Kind.LOCAL_DNS, "169.254.20.10", "fd00:aaaa::10", "10.96.0.10"),
            *entries(Kind.SERVICE, "10.96.0.0/16"),
            *entries(Kind.VIRTUAL, "172.31.0.100"),
            *entries(Kind.DEVICE, "192.168.7.1"),
            *entries(Kind.BALANCER, "198.51.100.0/24"),
            *entries(Kind.API_SERVER, "192.0.2.7"),
        ]
    ),
)
THREE = replace(
    SITE,
    node_addresses={**SITE.node_addresses, "n3": ("172.30.0.13",)},
    addresses=Register(entries(Kind.API_SERVER, "172.30.0.11", "172.30.0.12", owner="kubernetes")),
)
ELSEWHERE = replace(
    THREE, addresses=Register(entries(Kind.API_SERVER, "172.30.0.11", "192.0.2.7", owner="kubernetes"))
)  # fmt: skip
PUBLIC = replace(SITE, external_addresses=frozenset({"203.0.113.11", "203.0.113.12"}))
PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
NODES = ("host", "remote-node")
BY_ADDRESS = replace(SITE, cidr_means_nodes=True)
DNS: Object = {"ports": [{"port": 53, "protocol": "UDP"}]}


def blocks(*cidrs: str, but: tuple[str, ...] = (), **more: Any) -> Told:
    """The fate of a NetworkPolicy that lets pods send there."""
    site = more.pop("site", SITE)
    rule = {"to": [{"ipBlock": {"cidr": each, "except": list(but)}} for each in cidrs], **more}
    spec = {"podSelector": {}, "policyTypes": ["Egress"], "egress": [rule]}
    item = {"metadata": {"namespace": "shop", "name": "out"}, "spec": spec}
    (found,) = take_inventory(kubernetes_policies=[item], calico_objects={}, surroundings=site).entries
    return found


def calico(*rules: Object, site: Surroundings = SITE) -> Told:
    item = {"metadata": {"name": "out"}, "spec": {"types": ["Egress"], "egress": list(rules)}}
    objects = {"GlobalNetworkPolicy": [item]}
    (found,) = take_inventory(kubernetes_policies=[], calico_objects=objects, surroundings=site).entries
    return found


def said(found: Told) -> list[tuple[str, ...]]:
    """Each entity with the protocol and port that it is meant on; none for all."""
    return [
        (entity, *(f"{port['protocol']} {port['port']}" for part in rule.get("toPorts", []) for port in part["ports"]))
        for manifest in found.manifests
        for direction in ("egress", "egressDeny")
        for rule in manifest["spec"].get(direction, [])
        for entity in rule.get("toEntities", [])
    ]


@pytest.mark.parametrize(
    ("found", "meant"),
    [
        (blocks("169.254.20.10/32", **DNS), [("host", "UDP 53")]),
        (blocks("169.254.20.10/32", ports=[{"port": 9253}]), [("host", "TCP 9253")]),
        (blocks("169.254.0.0/16"), [("host", "TCP 53"), ("host", "UDP 53")]),
        (blocks("0.0.0.0/0", but=("10.0.0.0/8", "172.16.0.0/12", "203.0.113.0/24"), **DNS), [("host", "UDP 53")]),
        (blocks("169.254.0.0/16", ports=[{"port": 50, "endPort": 60, "protocol": "UDP"}]), [("host", "UDP 53")]),
        (blocks("fd00:aaaa::/64", **DNS), [("host", "UDP 53")]),
        (calico({"action": "Allow", "protocol": "UDP", "destination": {"nets": ["169.254.20.0/24"], "ports": [53]}}),
         [("host", "UDP 53")]),
        (calico({"action": "Deny", "destination": {"nets": ["169.254.20.10"]}}, {"action": "Allow"}),
         [("all",), ("host", "TCP 53"), ("host", "UDP 53")]),
        (blocks("172.31.0.100/32", ports=[{"port": 6443}]), [("host", "TCP 6443")]),
        (blocks("192.168.7.1/32"), [("host",)]),
        (blocks("172.30.0.0/24"), [("host",), ("remote-node",)]),
        (blocks("203.0.113.0/24"), [("host",), ("remote-node",)]),
        (blocks("172.30.0.11/32", "172.30.0.12/32"), [("host",), ("remote-node",)]),
        (blocks("172.30.0.11/32", "172.30.0.12/32", site=THREE), [("kube-apiserver",)]),
        (blocks("172.30.0.8/29", site=replace(THREE, node_addresses={**SITE.node_addresses, "n3": ("172.30.0.33",)})),
         [("kube-apiserver",)]),
        (calico({"action": "Allow", "destination": {"nets": ["172.30.0.11", "203.0.113.12"]}}, site=THREE),
         [("kube-apiserver",)]),
    ],
)  # fmt: skip
def test_what_is_of_the_node_itself_is_said_besides(found: Told, meant: list[tuple[str, ...]]) -> None:
    assert (found.verdict, said(found)) == (Verdict.TRANSLATED, meant)
    assert not [each for each in found.notes if "outside of the nodes" in each]
    told = ("`host`", "one identity", "`kube-apiserver`")
    assert [each for each in found.notes if any(word in each for word in told)]


def test_the_name_server_of_a_node_is_said_besides_where_nobody_enforces_policies_yet() -> None:
    found = blocks("169.254.20.10/32", site=replace(SITE, engine="", calico=False), **DNS)
    assert (found.verdict, said(found)) == (Verdict.TRANSLATED, [("host", "UDP 53")])


@pytest.mark.parametrize(
    "found",
    [
        blocks("169.254.0.0/16", but=("169.254.20.0/24",)),
        blocks("169.254.0.0/16", ports=[{"port": 443}]),
        blocks("169.254.169.254/32"),
        blocks("8.8.8.8/32", **DNS),
    ],
)
def test_what_is_outside_is_left_alone(found: Told) -> None:
    assert (found.verdict, found.notes) == (Verdict.AS_IS, ())


def test_an_internet_only_rule_says_which_addresses_of_nodes_are_in_question_and_the_way_out() -> None:
    found = blocks("0.0.0.0/0", but=PRIVATE, site=PUBLIC)
    assert found.verdict is Verdict.LOST
    (reason,) = found.reasons
    assert "it leaves out 172.30.0.11 of n1, 172.30.0.12 of n2 and holds 203.0.113.11 (ExternalIP of n1)" in reason
    assert "set policyCIDRMatchMode to [nodes] in cilium.values" in reason
    by_address = blocks("0.0.0.0/0", but=PRIVATE, site=replace(PUBLIC, cidr_means_nodes=True, addresses=Register()))
    assert by_address.verdict is Verdict.AS_IS
    assert "meant by address, as policyCIDRMatchMode is nodes; the pod's own where no exception" in by_address.notes[0]


@pytest.mark.parametrize("but", [("10.0.0.0/8",), (*PRIVATE, "203.0.113.0/24")])
def test_what_leaves_out_all_nodes_or_none_is_no_question(but: tuple[str, ...]) -> None:
    assert blocks("0.0.0.0/0", but=but, site=replace(PUBLIC, addresses=Register())).verdict is not Verdict.LOST


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (blocks("10.96.0.10/32", **DNS), "10.96.0.10 is a Service's address that a LOCAL_DNS answers on every node"),
        (blocks("10.96.0.0/12"), "allow those pods by their labels"),
        (blocks("172.30.0.11/32"), "holds the addresses of some nodes, and Cilium tells nodes by identity, not by "
         "address; select them by entities"),
        (blocks("172.30.0.11/32", site=THREE), "select them by entities"),
        (blocks("172.30.0.11/32", "172.30.0.13/32", site=THREE), "select them by entities"),
        (blocks("172.30.0.11/32", site=ELSEWHERE), "select them by entities"),
        (blocks("0.0.0.0/0", but=("172.16.0.0/12", "10.0.0.0/8")),
         "leaves out 172.30.0.11 of n1, 172.30.0.12 of n2 and holds 203.0.113.11 of n1"),
        (calico({"action": "Deny", "destination": {"nets": ["172.31.0.100"]}}, {"action": "Allow"}), "is `host`, and"),
        (calico({"action": "Deny", "destination": {"nets": ["172.30.0.11", "172.30.0.12"]}}, site=THREE),
         "it denies some addresses of nodes"),
        (calico({"action": "Deny", "destination": {"nets": ["172.30.0.11"]}}, site=BY_ADDRESS),
         "it denies some addresses of nodes"),
        (calico({"action": "Deny", "destination": {"nets": ["203.0.113.0/24"]}}, {"action": "Allow"}),
         "it denies some addresses of nodes"),
        (calico({"action": "Deny", "destination": {"nets": ["172.30.0.0/24", "203.0.113.0/24"]}}, {"action": "Allow"}),
         "it denies nodes, and not a LOCAL_DNS at 169.254.20.10"),
    ],
)  # fmt: skip
def test_what_cannot_be_said_is_lost_with_the_reason(found: Told, reason: str) -> None:
    assert found.verdict is Verdict.LOST
    assert any(reason in each for each in found.reasons), found.reasons


@pytest.mark.parametrize(
    ("found", "note"),
    [
        (blocks("10.96.7.7/32"), "10.96.7.7/32 is of a SERVICE: what counts is the pods behind them"),
        (blocks("198.51.100.9/32"), "outside as long as kube-proxy is there"),
        (blocks("192.0.2.7/32"), "outside of the nodes it is meant by its address"),
        (blocks("192.168.0.0/16"), "192.168.7.1 (a DEVICE): to pods on the node that has it it may be `host`"),
        (blocks("172.31.0.0/16"), "172.31.0.100 (a VIRTUAL)"),
        (blocks("172.30.0.11/32", site=BY_ADDRESS), "meant by address"),
    ],
)
def test_what_means_the_same_is_told_all_the_same(found: Told, note: str) -> None:
    assert found.verdict is Verdict.AS_IS
    assert any(note in each for each in found.notes), found.notes


def daemon_set(*arguments: str) -> Object:
    spec = {"hostNetwork": True, "containers": [{"image": "cache", "args": list(arguments)}]}
    return {"metadata": {"namespace": "kube-system", "name": "dns"}, "spec": {"template": {"spec": spec}}}


def out(cidr: str) -> Object:
    spec = {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [{"ipBlock": {"cidr": cidr}}], **DNS}]}
    return {"metadata": {"namespace": "shop", "name": "out"}, "spec": spec}


@pytest.mark.parametrize(
    "seen",
    [
        {"daemon_sets": (*make_snapshot().daemon_sets, daemon_set("-localip", "169.254.25.10"))},
        {"daemon_sets": (*make_snapshot().daemon_sets, daemon_set("-localip=169.254.25.10,fd00::10", "-conf", "/x"))},
        {"facts": {"worker-2": make_facts(addresses=(("nodelocaldns", "169.254.25.10/32"),))}},
        {
            "daemon_sets": (*make_snapshot().daemon_sets, daemon_set("-localip", "$(ADDRESS)", "-interfacename=dns0")),
            "facts": {"worker-2": make_facts(addresses=(("dns0", "169.254.25.10/32"),))},
        },
    ],
)
def test_a_clusters_own_name_server_is_found_by_what_it_says_and_by_its_device(seen: Object) -> None:
    (found,) = make_context(make_snapshot(policy_objects=(out("169.254.25.10/32"),), **seen)).policies.entries
    assert (found.verdict, said(found)) == (Verdict.TRANSLATED, [("host", "UDP 53")])


def test_pods_of_an_earlier_pool_are_pods_to_a_policy_and_to_the_bridge() -> None:
    pool = {"metadata": {"name": "old"}, "spec": {"cidr": "10.60.0.0/16", "disabled": True}}
    seen = make_snapshot(
        pods=(make_pod("old", address="10.60.1.7"), make_pod("stray", node="worker-2", address="10.61.2.9")),
        nodes=(make_node("worker-1"), make_node("worker-2", pod_cidrs=("10.61.2.0/24",))),
        calico={"IPPool": (pool,)},
    )
    assert make_context(seen).addresses.of(Kind.POD)
    enforced = {"image": "cloudnativelabs/kube-router:v2", "name": "x"}
    engine = {"metadata": {"namespace": "kube-system", "name": "router"},
              "spec": {"template": {"spec": {"containers": [enforced]}}}}  # fmt: skip
    plain = {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [{"podSelector": {}}]}]}
    policy = {"metadata": {"namespace": "shop", "name": "near"}, "spec": plain}
    bridged = replace(seen, daemon_sets=(*seen.daemon_sets, engine), policy_objects=(policy, out("10.60.0.0/16")))
    found = {each.name: each for each in make_context(bridged).policies.entries}
    (window,) = found["near"].window
    assert [each["cidr"] for each in window["spec"]["egress"][0]["toCIDRSet"]] == [
        "10.244.0.0/16", "10.60.0.0/16", "10.61.2.0/24",
    ]  # fmt: skip
    assert "holds the addresses of some pods" in found["out"].reasons[0]


def test_a_services_address_is_known_before_kubernetes_says_the_range() -> None:
    service = Service.read(
        {"metadata": {"namespace": "kube-system", "name": "kube-dns"}, "spec": {"clusterIP": "10.43.0.10"}}
    )
    seen = make_snapshot(
        service_networks=(), services=(service,), policy_objects=(out("10.43.0.10/32"),),
        daemon_sets=(*make_snapshot().daemon_sets, daemon_set("-localip", "169.254.20.10,10.43.0.10")),
    )  # fmt: skip
    (found,) = make_context(seen).policies.entries
    assert found.verdict is Verdict.LOST


@pytest.mark.parametrize("mode", [["nodes"], "nodes"])
def test_a_cilium_whose_networks_mean_nodes_is_known_by_its_values(mode: Any) -> None:
    enforced = {"metadata": {"namespace": "kube-system", "name": "router"},
                "spec": {"template": {"spec": {"containers": [{"image": "kube-router"}]}}}}  # fmt: skip
    seen = make_snapshot(
        daemon_sets=(*make_snapshot().daemon_sets, enforced), policy_objects=(out("172.30.0.11/32"),)
    )  # fmt: skip
    assert make_context(seen).policies.entries[0].verdict is Verdict.LOST
    (found,) = make_context(seen, cilium={"values": {"policyCIDRMatchMode": mode}}).policies.entries
    assert found.verdict is Verdict.AS_IS

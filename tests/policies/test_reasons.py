"""Policies that cannot be expressed state the reason; translations have the expected form."""

import json
from typing import Any

import pytest

from stacks.policies import Entry, Inventory, Surroundings, Verdict, take_inventory
from stacks.policies.reading.selectors import SelectorError, holds, parse
from tests.policies.oracle.reference import Object
from tests.policies.test_meaning import SITE

IN: Object = {"types": ["Ingress"]}
OUT: Object = {"types": ["Egress"]}


def policy(name: str = "p", *, namespace: str = "", **spec: Any) -> Object:
    return {"metadata": {"name": name, **({"namespace": namespace} if namespace else {})}, "spec": spec}


def rule(action: str = "Allow", **fields: Any) -> Object:
    return {"action": action, **fields}


def taken(*policies: Object, site: Surroundings = SITE, kubernetes: tuple[Object, ...] = (), **more: Any) -> Inventory:
    objects = {"GlobalNetworkPolicy": [each for each in policies if "namespace" not in each["metadata"]],
               "NetworkPolicy": [each for each in policies if "namespace" in each["metadata"]], **more}  # fmt: skip
    return take_inventory(kubernetes_policies=kubernetes, calico_objects=objects, surroundings=site)


def only(found: Inventory) -> Entry:
    (entry,) = found.entries
    return entry


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ({**IN, "ingress": [rule("Log")]}, "ingress rule 1: action Log"),
        ({**IN, "ingress": [rule("Drop")]}, "action Drop"),
        ({**IN, "ingress": [rule("")]}, "no action"),
        ({**IN, "ingress": [rule(http={"methods": ["GET"]})]}, "an HTTP match"),
        ({**IN, "ingress": [rule(protocol="UDPLite")]}, "protocol UDPLITE"),
        ({**IN, "ingress": [rule(protocol="SCTP")]}, "sctp.enabled"),
        ({**IN, "ingress": [rule(protocol=47)]}, "protocol 47"),
        ({**IN, "ingress": [rule(protocol="ICMP")]}, "every type of ICMP"),
        ({**IN, "ingress": [rule(protocol="ICMP", icmp={"type": 8, "code": 0})]}, "ICMP by code"),
        ({**IN, "ingress": [rule(notProtocol="TCP")]}, "notProtocol"),
        ({**IN, "ingress": [rule(notICMP={"type": 8})]}, "notICMP"),
        ({**IN, "ingress": [rule(protocol="TCP", source={"ports": [80]})]}, "source ports"),
        ({**IN, "ingress": [rule(destination={"ports": [80]})]}, "no particular protocol"),
        ({**IN, "ingress": [rule(protocol="TCP", destination={"notPorts": ["web"]})]}, "notPorts by name (web)"),
        (
            {**IN, "ingress": [rule(destination={"selector": "all()"})]},
            "destination.selector confines the pod's own",
        ),
        ({**IN, "ingress": [rule(source={"selector": "app contains 'x'"})]}, "Cilium compares whole values"),
        (
            {**IN, "ingress": [rule(source={"serviceAccounts": {"selector": "a == 'b'"}})]},
            "label a of a service",
        ),
        (
            {**IN, "ingress": [rule(source={"nets": ["10.244.1.0/24"]})]},
            "10.244.1.0/24 holds the addresses of",
        ),
        ({**IN, "ingress": [rule(source={"nets": ["172.30.0.11/32"]})]}, "addresses of some nodes"),
        ({**IN, "ingress": [rule(source={"selector": "pod-template-hash == 'x'"})]}, "not in Cilium's identities"),
        ({**IN, "ingress": [rule(source={"domains": ["a.b"]})]}, "`domains` is not known"),
        ({**OUT, "egress": [rule(destination={"services": {"name": "web"}})]}, "a match by Service"),
        ({**OUT, "egress": [rule(protocol="TCP", destination={"ports": ["web"]})]}, "an egress port by name"),
        ({"selector": "app = 'x'"}, "whom it selects: 'app = 'x'' is no selector"),
        ({"selector": "global()"}, "global() outside of a rule's namespaceSelector"),
        ({"tier": "security"}, "tier security: Cilium has no tiers"),
        ({"doNotTrack": True}, "doNotTrack"),
        ({"preDNAT": True, "applyOnForward": True}, "preDNAT"),
    ],
)
def test_what_cannot_be_expressed_says_why(spec: Object, reason: str) -> None:
    entry = only(taken(policy(**spec)))
    assert entry.verdict is Verdict.LOST
    assert any(reason in each for each in entry.reasons), entry.reasons
    assert not entry.manifests


def test_every_reason_is_told_at_once() -> None:
    spec = {"tier": "x", **IN, "ingress": [rule("Log"), rule(), rule(protocol="UDPLite")]}
    assert len(only(taken(policy(**spec))).reasons) == 3


def test_a_deny_after_an_allow_names_both_policies() -> None:
    first = policy("open", order=1, **IN, ingress=[rule(source={"selector": "role == 'a'"})])
    second = policy("shut", order=2, **IN, ingress=[rule("Deny"), rule(source={"selector": "role == 'b'"})])
    (lost,) = taken(first, second).of(Verdict.LOST)
    assert lost.title == "GlobalNetworkPolicy shut"
    assert (
        "ingress rule 1 denies what is allowed before it by GlobalNetworkPolicy open, ingress rule 1" in lost.reasons[0]
    )


@pytest.mark.parametrize(
    "second",
    [
        {"selector": "role == 'b'"},  # the pods are others
        {"ingress": [rule("Deny", protocol="UDP"), rule()]},  # the protocol is
        {"ingress": [rule("Deny", source={"selector": "role == 'c'"}), rule()]},  # the other ends are
        {"types": ["Egress"]},  # the direction is
    ],
)
def test_a_deny_that_meets_no_allow_before_it_stands(second: Object) -> None:
    first = policy(
        "open",
        order=1,
        **IN,
        selector="role == 'a'",
        ingress=[rule(protocol="TCP", source={"selector": "role == 'd'"})],
    )
    ingress = [rule("Deny"), rule()]
    assert taken(first, policy("shut", **{"order": 2, **IN, "ingress": ingress, **second})).of(Verdict.LOST) == []


def test_a_deny_at_the_end_is_left_out_and_told() -> None:
    entry = only(taken(policy(**IN, ingress=[rule(source={"selector": "role == 'a'"}), rule("Deny")])))
    assert entry.notes == ("ingress rule 2 is left out: nothing it denies is allowed later",)
    (manifest,) = entry.manifests
    assert "ingressDeny" not in manifest["spec"]


def test_policies_of_one_order_have_no_order() -> None:
    deny = policy("a", order=5, **IN, ingress=[rule("Deny", source={"selector": "role == 'a'"})])
    allow = policy("b", order=5, **IN, ingress=[rule(source={"selector": "role == 'a'"})])
    assert [each.name for each in taken(deny, allow).of(Verdict.LOST)] == ["a"]


def test_kubernetes_policies_are_read_at_order_1000() -> None:
    spec = {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"from": [{"podSelector": {}}]}]}
    kubernetes = {"metadata": {"name": "np", "namespace": "shop"}, "spec": spec}
    for order, lost in ((999, 0), (1001, 1)):
        deny = policy(order=order, **IN, ingress=[rule("Deny", source={"selector": "role == 'a'"}), rule()])
        assert len(taken(deny, kubernetes=(kubernetes,)).of(Verdict.LOST)) == lost


def test_a_policy_for_hosts_too_is_lost_where_there_are_host_endpoints() -> None:
    endpoint = {
        "metadata": {"name": "eth0", "labels": {"role": "a"}},
        "spec": {"node": "n", "expectedIPs": ["172.30.0.11"]},
    }
    found = taken(policy(selector="role == 'a'"), HostEndpoint=[endpoint])
    assert [each.title for each in found.of(Verdict.LOST)] == ["GlobalNetworkPolicy p", "HostEndpoint eth0"]
    found = taken(policy(selector="role == 'a'", namespaceSelector="all()"), HostEndpoint=[endpoint])
    assert [each.title for each in found.of(Verdict.LOST)] == ["HostEndpoint eth0"]


def test_an_ip_block_that_holds_pods_is_said_again_for_them() -> None:
    spec = {"podSelector": {}, "policyTypes": ["Egress"],
            "egress": [{"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.169.254/32"]}}]}]}  # fmt: skip
    kubernetes = {"metadata": {"name": "np", "namespace": "shop"}, "spec": spec}
    entry = only(taken(kubernetes=(kubernetes,)))
    assert entry.verdict is Verdict.TRANSLATED
    (manifest,) = entry.manifests
    assert [list(each) for each in manifest["spec"]["egress"]] == [["toEndpoints"], ["toEntities"]]
    nobody = Surroundings(pod_networks=SITE.pod_networks, node_addresses=SITE.node_addresses)
    unread = only(taken(kubernetes=(kubernetes,), site=nobody))
    assert (unread.verdict, unread.manifests) == (Verdict.AS_IS, ())
    assert "neither pods nor nodes" in unread.notes[0]


def test_calicos_policies_do_not_count_where_calico_is_not() -> None:
    site = Surroundings(pod_networks=SITE.pod_networks, engine="k3s")
    assert taken(policy(), site=site).entries == ()


def test_policies_of_administrators_are_lost() -> None:
    policy: Object = {"kind": "AdminNetworkPolicy", "metadata": {"name": "a"}, "spec": {}}
    found = take_inventory(kubernetes_policies=(), calico_objects={}, surroundings=SITE, of_administrators=[policy])
    assert [each.title for each in found.of(Verdict.LOST)] == ["AdminNetworkPolicy a"]


def test_what_is_bridged_lets_the_old_network_in_on_the_same_ports() -> None:
    ports: Object = {"protocol": "TCP", "destination": {"ports": [80]}}
    entry = only(taken(policy(**IN, ingress=[rule(source={"selector": "role == 'a'"}, **ports)])))
    (window,) = entry.window
    (allowed,) = window["spec"]["ingress"]
    assert allowed["fromEntities"] == ["host", "remote-node", "world"]
    assert allowed["toPorts"] == [{"ports": [{"port": "80", "protocol": "TCP"}]}]
    out = only(taken(policy(**OUT, egress=[rule(destination={"selector": "role == 'a'"})])))
    assert out.window[0]["spec"]["egress"][0]["toCIDRSet"] == [{"cidr": "10.244.0.0/16"}]
    shut = only(taken(policy(**IN, ingress=[rule(source={"nets": ["1.2.3.0/24"]})])))
    assert (shut.window, shut.bridge) == ((), "holds throughout")


@pytest.mark.parametrize(
    ("selector", "fits", "not_fits"),
    [
        ("all()", {}, None),
        ("", {}, None),
        ("a == 'b'", {"a": "b"}, {"a": "c"}),
        ('a != "b"', {}, {"a": "b"}),
        ("a in {'b','c'}", {"a": "c"}, {}),
        ("a not in { 'b', 'c' }", {}, {"a": "b"}),
        ("a contains 'x'", {"a": "axa"}, {"a": "b"}),
        ("a starts with 'x'", {"a": "xa"}, {"a": "ax"}),
        ("a ends with 'x'", {"a": "ax"}, {"a": "xa"}),
        ("has(k8s.io/name)", {"k8s.io/name": ""}, {}),
        ("!has(a) && (b == '1' || !(c == '2'))", {"c": "3"}, {"c": "2"}),
        ("a == 'b' || c == 'd' && e == 'f'", {"a": "b"}, {"c": "d"}),
        ("!!has(a)", {"a": ""}, {}),
        ("in == 'not in'", {"in": "not in"}, {}),
        ("a in {}", None, {"a": ""}),
    ],
)
def test_selectors_are_read_as_calico_reads_them(
    selector: str, fits: dict[str, str] | None, not_fits: dict[str, str] | None
) -> None:
    assert fits is None or holds(parse(selector), fits)
    assert not_fits is None or not holds(parse(selector), not_fits)


@pytest.mark.parametrize(
    "text", ["a", "a = 'b'", "a == b", "(a == 'b'", "a == 'b' c == 'd'", "a in ['b']", "has()", "&&"]
)
def test_what_is_no_selector_is_refused(text: str) -> None:
    with pytest.raises(SelectorError, match="is no selector"):
        parse(text)


DOMAINS: Object = {"metadata": {"name": "vendors", "labels": {"role": "vendor"}},
                   "spec": {"nets": ["198.51.100.0/24"], "allowedEgressDomains": ["*.vendor.example"]}}  # fmt: skip


def test_a_set_with_more_than_networks_is_lost_with_whatever_selects_it() -> None:
    out = {**OUT, "egress": [rule(destination={"selector": "role == 'vendor'"})]}
    other = {**OUT, "egress": [rule(destination={"selector": "role == 'b'"})]}
    found = taken(policy(**out), policy("other", **other), GlobalNetworkSet=[DOMAINS])
    assert [each.title for each in found.of(Verdict.LOST)] == ["GlobalNetworkPolicy p", "GlobalNetworkSet vendors"]
    assert "GlobalNetworkSet vendors has `allowedEgressDomains`" in found.of(Verdict.LOST)[0].reasons[0]


@pytest.mark.parametrize(
    "selector",
    ["projectcalico.org/name == 'office'", "projectcalico.org/kind == 'NetworkSet' && has(projectcalico.org/name)"],
)
def test_newer_calicos_label_each_set_with_its_name(selector: str) -> None:
    office: Object = {"metadata": {"name": "office"}, "spec": {"nets": ["203.0.113.0/24"]}}
    out = {**OUT, "egress": [rule(destination={"selector": selector})]}
    (entry,) = (each for each in taken(policy(**out), GlobalNetworkSet=[office]).entries if each.manifests)
    assert "203.0.113.0/24" in json.dumps(entry.manifests)


def test_a_direction_that_is_none_is_not_passed_over() -> None:
    entry = only(taken(policy(types=["Ingres"], ingress=[rule()])))
    assert (entry.verdict, entry.manifests) == (Verdict.LOST, ())
    assert "Ingres" in entry.reasons[0]

"""Policies that the old engine gets meanwhile, so that moved pods get through where pods do."""

from dataclasses import replace

import pytest

from stacks.policies import Verdict
from tests.policies.oracle.reference import Object
from tests.policies.test_meaning import SITE
from tests.policies.test_reasons import IN, OUT, only, policy, rule, taken


def test_the_old_engine_lets_nodes_in_where_it_lets_pods_in() -> None:
    site = replace(SITE, tunnel_addresses=("10.244.7.0",))
    ports: Object = {"protocol": "TCP", "destination": {"ports": [80]}}
    rules = [rule(source={"selector": "role == 'a'"}, **ports), rule(source={"nets": ["1.2.3.0/24"]})]
    kubernetes = {
        "metadata": {"name": "np", "namespace": "shop"},
        "spec": {"podSelector": {}, "ingress": [{"from": [{"podSelector": {}}], "ports": [{"port": 80}]}]},
    }
    found = taken(policy(**IN, selector="role == 'b'", order=7, ingress=rules), site=site, kubernetes=(kubernetes,))
    nodes = ["10.244.7.0/32", "172.30.0.11/32", "172.30.0.12/32"]
    theirs, own = found.old_side
    assert theirs["spec"]["ingress"] == [
        {"from": [{"ipBlock": {"cidr": each}} for each in nodes], "ports": [{"port": 80}]}
    ]
    assert own["spec"]["ingress"] == [{"action": "Allow", "source": {"nets": nodes}, **ports}]
    assert (own["spec"]["selector"], own["spec"]["order"], own["metadata"]["name"]) == (
        "role == 'b'",
        6.999,
        "p-window",
    )
    again = taken(dict(own), site=site, kubernetes=(dict(theirs),))
    assert again.entries == (), "our own are not looked at"


def test_the_old_engine_lets_nodes_in_where_a_lost_policy_lets_pods_in() -> None:
    """It goes on enforcing that, too, and moved pods come by their nodes' addresses."""
    tcp: Object = {"protocol": "TCP", "destination": {"ports": [443]}}
    rules = [rule("Log"), rule(source={"selector": "role == 'a'"}, http={"methods": ["GET"]}, **tcp),
             rule(source={"nets": ["1.2.3.0/24"]}), rule("Deny", source={"selector": "role == 'b'"}),
             rule(source={"nets": ["10.244.1.0/24"]}, notProtocol="UDP"),
             rule(source={"notSelector": "x == 'y'"})]  # fmt: skip
    in_tier = policy("security.db", **IN, tier="security", selector="role == 'db'", order=3, ingress=rules)
    hashed: Object = {"matchLabels": {"pod-template-hash": "x"}}
    peers = [{"podSelector": hashed}, {"ipBlock": {"cidr": "1.2.3.0/24"}}]
    kubernetes = {
        "metadata": {"name": "np", "namespace": "shop"},
        "spec": {"podSelector": hashed, "ingress": [{"from": peers, "ports": [{"port": "web"}]}, {}]},
    }
    found = taken(in_tier, kubernetes=(kubernetes,))
    assert [each.verdict for each in found.entries] == [Verdict.LOST, Verdict.LOST]
    nodes = ["172.30.0.11/32", "172.30.0.12/32"]
    theirs, own = found.old_side
    assert theirs["spec"]["podSelector"] == hashed
    assert theirs["spec"]["ingress"] == [
        {"from": [{"ipBlock": {"cidr": each}} for each in nodes], "ports": [{"port": "web"}]}
    ]
    assert (own["metadata"]["name"], own["spec"]["tier"], own["spec"]["order"]) == (
        "security.db-window",
        "security",
        2.999,
    )
    assert own["spec"]["ingress"] == [
        {"action": "Allow", "source": {"nets": nodes}, **tcp},
        {"action": "Allow", "source": {"nets": nodes}, "notProtocol": "UDP"},
        {"action": "Allow", "source": {"nets": nodes}},
    ]


@pytest.mark.parametrize(
    "spec",
    [
        {**OUT, "egress": [rule("Log")], "ingress": [rule(source={"selector": "all()"})]},
        {**IN, "doNotTrack": True, "ingress": [rule(source={"selector": "all()"})]},
        {**IN, "preDNAT": True, "ingress": [rule(source={"selector": "all()"})]},
        {**IN, "ingress": [rule("Log"), rule()]},
        {**IN, "selector": "role = 'x'", "ingress": [rule(source={"selector": "all()"})]},  # Calico ignores it
    ],
)
def test_nothing_is_put_beside_a_lost_policy_that_lets_no_pods_in(spec: Object) -> None:
    entry = only(taken(policy(**spec)))
    assert (entry.verdict, entry.old_side) == (Verdict.LOST, ())


@pytest.mark.parametrize("written", ["ingress", "INGRESS", "Ingress"])
def test_directions_are_read_whatever_their_case_as_felix_does(written: str) -> None:
    """Nobody looks at policies that are written past Calico's own tools."""
    entry = only(taken(policy(types=[written], ingress=[rule(source={"selector": "role == 'a'"})])))
    (manifest,) = entry.manifests
    assert "ingress" in manifest["spec"]
    assert "egress" not in manifest["spec"]
    assert len(entry.old_side) == 1
    (lost,) = taken(policy(types=[written], ingress=[rule("Log"), rule(source={"selector": "all()"})])).entries
    assert len(lost.old_side) == 1

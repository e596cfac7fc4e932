"""Denies beside policies that are lost, whose owners may say them again in Cilium's words."""

import pytest

from stacks.policies import Verdict, take_inventory
from tests.policies.oracle.reference import Object
from tests.policies.test_meaning import SITE
from tests.policies.test_reasons import IN, OUT, policy, rule, taken

LATER: Object = {**IN, "ingress": [rule("Log"), rule(source={"selector": "role == 'a'"})]}


def test_a_deny_stays_where_a_lost_policy_may_allow_it_later() -> None:
    """Its owner says that one again in Cilium's words, and would open what is denied here."""
    deny = policy("shut", order=1, **IN, ingress=[rule("Deny", source={"selector": "role == 'a'"})])
    (entry,) = (each for each in taken(deny, policy("logs", order=2, **LATER)).entries if each.name == "shut")
    assert "ingressDeny" in entry.manifests[0]["spec"]
    assert not any("left out" in each for each in entry.notes)
    for other in (policy("logs", order=0.5, **LATER), policy("logs", order=2, **OUT, egress=[rule("Log"), rule()])):
        (entry,) = (each for each in taken(deny, other).entries if each.name == "shut")
        assert "ingressDeny" not in entry.manifests[0]["spec"]


def test_a_deny_that_must_be_left_out_before_a_lost_policy_is_told_with_that() -> None:
    rules = [rule(source={"selector": "role == 'b'"}), rule("Deny")]
    last = policy("last", order=1, **IN, ingress=rules)
    (entry,) = (each for each in taken(last, policy("logs", order=2, **LATER)).entries if each.name == "last")
    assert "ingressDeny" not in entry.manifests[0]["spec"]
    assert entry.notes == (
        "ingress rule 2 is left out: nothing it denies is allowed later but by GlobalNetworkPolicy logs, which is "
        "lost; mind it where you say that again",
    )
    hashed: Object = {"podSelector": {"matchLabels": {"pod-template-hash": "x"}}, "ingress": [{"from": []}]}
    kubernetes = {"metadata": {"name": "np", "namespace": "shop"}, "spec": hashed}
    (entry,) = (each for each in taken(last, kubernetes=(kubernetes,)).entries if each.name == "last")
    assert "but by NetworkPolicy shop/np" in entry.notes[0]


@pytest.mark.parametrize(
    ("kind", "spec", "lost"),
    [
        ("BaselineAdminNetworkPolicy", {}, True),
        ("ClusterNetworkPolicy", {"tier": "Baseline"}, True),
        ("ClusterNetworkPolicy", {"tier": "Admin"}, False),
        ("AdminNetworkPolicy", {}, False),
        ("", {}, False),
    ],
)
def test_what_is_passed_on_is_allowed_only_where_nothing_comes_after(kind: str, spec: Object, lost: bool) -> None:
    """Newer Calicos read those of administrators after their own tier."""
    passes = policy(**IN, ingress=[rule("Pass", source={"selector": "role == 'a'"})])
    theirs: Object = {"kind": kind, "metadata": {"name": "default"}, "spec": spec}
    found = take_inventory(
        kubernetes_policies=(), calico_objects={"GlobalNetworkPolicy": [passes]}, surroundings=SITE,
        of_administrators=[theirs] if kind else [],
    )  # fmt: skip
    entry = next(each for each in found.entries if each.kind == "GlobalNetworkPolicy")
    assert (entry.verdict is Verdict.LOST) is lost
    assert not lost or f"passes on to {kind} default" in entry.reasons[0]

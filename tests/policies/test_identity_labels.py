"""Which labels Cilium makes identities of, and what becomes of policies that select by others."""

from typing import Any

import pytest

from components.checks import CATALOGUE, Finding, Severity, run_checks
from components.identity_labels import at_last
from stacks.config import parse_config
from stacks.policies import Verdict
from stacks.policies.identity_labels import read_filter
from tests.builders import FLANNEL, make_context, make_snapshot

Object = dict[str, Any]
SPACE, OF_SPACE = "io.kubernetes.pod.namespace", "io.cilium.k8s.namespace.labels.team"
ACCOUNT, SET = "io.cilium.k8s.policy.serviceaccount", "statefulset.kubernetes.io/pod-name"
ZONE, HASH = "topology.kubernetes.io/zone", "pod-template-hash"
CALICO = FLANNEL.model_copy(update={"policy_engine": "Calico"})


@pytest.mark.parametrize(
    ("text", "taken", "left_out"),
    [
        ("", ["app", SPACE, OF_SPACE, ACCOUNT, "app.kubernetes.io/name", "batch.kubernetes.io/job-name"],
         ["kubernetes.io/x", "io.kubernetes.x", SET, HASH, ZONE, "beta.kubernetes.io/os", "x.beta.kubernetes.io/y",
          "annotation.x", "k8s.io/x"]),
        # One pattern that takes labels, and nothing is taken but what is named; Cilium's own choice stays.
        ("k8s:app$", ["app", SPACE, OF_SPACE, "app.kubernetes.io/name", ACCOUNT], ["application", "role", "my-app"]),
        ("k8s:app", ["app", "application", "app/x"], ["role", "my-app"]),
        ("app", ["app", "apple"], ["role"]),
        ("container:app", [SPACE], ["app", "role"]),
        ("k8s:app reserved:.*", ["app"], ["role"]),
        # Patterns that leave labels out take nothing away from others.
        ("k8s:!stage", ["app", ACCOUNT, SPACE], ["stage", "stage-2"]),
        ("!stage", ["app"], ["stage"]),
        (":!stage", ["app"], ["stage"]),
        ("container:!stage", ["app", "stage"], []),
        # A source called '!k8s': pods have no label of that, and yet only named ones are taken.
        ("!k8s:stage", [SPACE, "app.kubernetes.io/name"], ["app", "stage"]),
        # The longer match decides, and what is left out wins where both are as long.
        ("k8s:!role k8s:role-of-db k8s:.*", ["role-of-db", "app", "role-of-web"], ["role"]),
        ("k8s:!role-of-web k8s:role", ["role-of-db"], ["role-of-web", "app"]),
        # `io.kubernetes` is left out anyhow, which is shorter.
        (r"k8s:!io\.kubernetes\.pod\.namespace", ["app", SPACE], []),
        (r"k8s:!io\.cilium\.k8s\.namespace\.labels\.team", [SPACE, "io.cilium.k8s.namespace.labels.tea"], [OF_SPACE]),
        (r"k8s:.* k8s:kubernetes\.io/x", ["kubernetes.io/x", "kubernetes.io/xy", "app", ZONE], [SET, HASH]),
        (rf"k8s:{SET.replace('.', chr(92) + '.')} k8s:.*", ["app"], [SET]),
        (r"k8s:(app|role)$ k8s:team-[a-z]{2,3}$", ["app", "role", "team-ab"], ["team-a", "team-abcd", "approle"]),
        (r"k8s:^app", ["app"], ["role"]),
        # The agent searches, but counts only what it finds at the beginning of a key.
        ("k8s:role", ["role"], ["x-role"]),
        # An empty match that leaves out is the shortest of all, and counts for none.
        ("k8s:!x*", ["app", "kubernetes.io/x"], []),
        ("k8s:app\tk8s:role\n", ["app", "role"], ["stage"]),
        ("k8s:app,k8s:role", [SPACE], ["app", "role"]),
    ],
)  # fmt: skip
def test_a_filter_takes_what_cilium_takes(text: str, taken: list[str], left_out: list[str]) -> None:
    found = read_filter(text).filter
    assert not found.fault
    assert [key for key in taken if not found.takes(key)] == []
    assert [key for key in left_out if found.takes(key)] == []


@pytest.mark.parametrize(
    ("version", "text", "taken", "left_out"),
    [
        # 1.18 began to take the account whatever is named, 1.19 to leave out where a pod is.
        ((1, 16), "", [ACCOUNT, ZONE], [HASH, SET]),
        ((1, 17), "k8s:app$", ["app", SPACE], [ACCOUNT, ZONE]),
        ((1, 18), "k8s:app$", ["app", ACCOUNT], [ZONE]),
        ((1, 18), "", [ACCOUNT, ZONE], ["controller-uid"]),
        ((1, 19), "", [ACCOUNT, "app"], [ZONE]),
        ((1, 21), "k8s:app$", [ACCOUNT], [ZONE]),
        ((1, 17), r"k8s:!io\.cilium\.k8s\.policy", ["app"], [ACCOUNT]),
        ((1, 19), r"k8s:!io\.cilium\.k8s\.policy", ["app", ACCOUNT], []),
    ],
)  # fmt: skip
def test_what_is_taken_unasked_depends_on_ciliums_version(
    version: tuple[int, int], text: str, taken: list[str], left_out: list[str]
) -> None:
    found = read_filter(text, version=version).filter
    assert [key for key in taken if not found.takes(key)] == []
    assert [key for key in left_out if found.takes(key)] == []


def test_a_policy_by_account_is_judged_by_the_version_that_is_chosen() -> None:
    by_account = {"metadata": {"name": "account"}, "spec": {"serviceAccountSelector": "projectcalico.org/name == 'x'"}}
    assert lost_in("1.18.6", "k8s:app$", GlobalNetworkPolicy=(by_account,)) == {}
    assert set(lost_in("1.17.6", "k8s:app$", GlobalNetworkPolicy=(by_account,))) == {"GlobalNetworkPolicy account"}


@pytest.mark.parametrize(
    "text",
    ["k8s:", "k8s:app k8s:(", "k8s:[a", "k8s:*", "k8s:a**", "k8s:a*+", "k8s:(?=app)", "k8s:(?P<n>a)", r"k8s:\Qa\E",
     r"k8s:\pL", "k8s:[[:alpha:]]", "k8s:a{,3}", "k8s:a{2}{3}", r"k8s:(a)\1", "k8s:(?i)app", "k8s:a)", r"k8s:a\z"],
)  # fmt: skip
def test_what_go_refuses_or_reads_otherwise_is_not_guessed_at(text: str) -> None:
    assert read_filter(text).filter.fault


def lost(labels: str, *policies: Object, **calico: tuple[Object, ...]) -> dict[str, str]:
    return lost_in("1.19.7", labels, *policies, **calico)


def lost_in(version: str, labels: str, *policies: Object, **calico: tuple[Object, ...]) -> dict[str, str]:
    snapshot = make_snapshot(policy_objects=policies, calico=calico)
    context = make_context(snapshot, phase="secondary", cilium={"version": version, "values": {"labels": labels}})
    object.__setattr__(context, "source", CALICO)
    return {each.title: "; ".join(each.reasons) for each in context.policies.of(Verdict.LOST)}


def selecting(name: str, **labels: str) -> Object:
    return {"metadata": {"name": name, "namespace": "shop"}, "spec": {"podSelector": {"matchLabels": labels}}}


def test_policies_are_judged_by_the_filter_that_is_set() -> None:
    peer = {"from": [{"podSelector": {"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}}]}
    teams = {"from": [{"namespaceSelector": {"matchLabels": {"team": "a"}}}]}
    by_peer = {"metadata": {"name": "peer", "namespace": "shop"}, "spec": {"podSelector": {}, "ingress": [peer]}}
    by_team = {"metadata": {"name": "team", "namespace": "shop"}, "spec": {"podSelector": {}, "ingress": [teams]}}
    everywhere = {"metadata": {"name": "all"}, "spec": {"types": ["Ingress"]}}
    by_role = {"metadata": {"name": "role"}, "spec": {"selector": "!(role == 'db')", "types": ["Egress"]}}
    by_account = {"metadata": {"name": "account"}, "spec": {"serviceAccountSelector": "projectcalico.org/name == 'x'"}}
    all_of_them = (selecting("app", app="web"), by_peer, by_team)
    of_calico = {"GlobalNetworkPolicy": (everywhere, by_role, by_account)}
    assert lost("", *all_of_them, **of_calico) == {}
    found = lost("k8s:app$", *all_of_them, **of_calico)
    assert set(found) == {"NetworkPolicy shop/peer", "GlobalNetworkPolicy role"}
    assert "label tier is not in Cilium's identities" in found["NetworkPolicy shop/peer"]
    assert "`k8s:role$` in its Helm value `labels` lets it in" in found["GlobalNetworkPolicy role"]
    by_teams = lost(r"k8s:!io\.cilium\.k8s\.namespace\.labels", *all_of_them, **of_calico)
    assert set(by_teams) == {"NetworkPolicy shop/team"}


def test_what_no_filter_can_let_in_is_not_advised() -> None:
    found = lost(r"k8s:statefulset\.kubernetes\.io/pod-name k8s:.*", selecting("first", **{SET: "db-0"}))
    assert found["NetworkPolicy shop/first"].endswith("whatever its Helm value `labels` says; select by another")


@pytest.mark.parametrize(
    "key", ["kubernetes.io/arch", "io.kubernetes.tenant", "k8s.io/x", "topology.kubernetes.io/zone"]
)
def test_what_is_advised_lets_the_label_in(key: str) -> None:
    reason = lost("", selecting("one", **{key: "x"}))["NetworkPolicy shop/one"]
    advised = reason.split("`")[1]
    assert not lost(f"{advised} k8s:.*", selecting("one", **{key: "x"}), selecting("app", app="web"))


def test_a_filter_that_cannot_be_read_judges_nothing() -> None:
    (reason,) = lost("k8s:(", selecting("app", app="web")).values()
    assert "Cilium's `labels` cannot be read" in reason


@pytest.mark.parametrize(
    ("values", "live", "taken", "fault"),
    [
        ({"labels": "k8s:app"}, {}, {"app"}, ""),
        ({"extraConfig": {"labels": "k8s:role"}}, {}, {"role"}, ""),
        ({"labels": "k8s:app", "extraConfig": {"labels": "k8s:role"}}, {}, set(), "both set it"),
        ({"labels": ["k8s:app"]}, {}, set(), "no text"),
        ({}, {"labels": "k8s:stage"}, {"stage"}, ""),
        ({"labels": "k8s:app"}, {"labels": "k8s:stage"}, {"app"}, ""),
        ({}, {}, {"app", "role", "stage"}, ""),
        ({"labels": None}, {}, {"app", "role", "stage"}, ""),
        ({"extraConfig": {"label-prefix-file": "/etc/labels"}}, {}, set(), "label-prefix-file sets it"),
        ({}, {"label-prefix-file": "/etc/labels"}, set(), "label-prefix-file sets it"),
        ({"extraArgs": ["--labels=k8s:app"]}, {}, set(), "extraArgs sets it"),
        ({"extraEnv": [{"name": "CILIUM_LABELS", "value": "k8s:app"}]}, {}, set(), "extraEnv sets it"),
        ({"extraArgs": ["--debug"]}, {}, {"app", "role", "stage"}, ""),
    ],
)
def test_every_place_of_the_filter_is_looked_at(
    values: Object, live: dict[str, str], taken: set[str], fault: str
) -> None:
    found = at_last(parse_config({"cilium": {"values": values}}).cilium, live).filter
    assert fault in found.fault
    assert bool(fault) == bool(found.fault)
    assert fault or {each for each in ("app", "role", "stage") if found.takes(each)} == taken


def told(**cilium: Any) -> list[Finding]:
    context = make_context(phase="secondary", cilium=cilium)
    return [each for each in run_checks(CATALOGUE, context) if each.check == "identity-labels"]


def test_what_hardly_means_what_was_meant_is_told() -> None:
    (found,) = told(values={"labels": "!k8s:stage"})
    assert found.severity is Severity.WARNING
    assert "source '!k8s'" in found.evidence
    assert "only labels that are named; 'k8s:!stage' leaves them out" in found.evidence
    (other,) = told(values={"labels": "k8s:app"}, finalValues={"labels": "k8s:role"})
    assert "every pod gets a new identity at once" in other.evidence
    (unread,) = told(values={"labels": r"k8s:\pL"})
    assert unread.severity is Severity.BLOCKER
    assert told(values={"labels": "k8s:app k8s:!stage reserved:.*"}) == []

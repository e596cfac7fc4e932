"""Unknown kinds of policies, known by their shape to be about traffic or not."""

import pytest

from tests.operations.objects.test_policy_kinds import Object, unknown


@pytest.mark.parametrize(
    ("spec", "of_the_network"),
    [
        ({"podSelector": {}, "egress": [{"to": [{"cidr": "10.0.0.0/8"}]}]}, True),
        ({"ingressRules": [{"policy": "allow", "remoteAddress": "0.0.0.0/0"}], "priority": 1}, True),
        ({"appliedTo": [{}], "rules": [{"direction": "in", "action": "drop", "sources": []}]}, True),
        ({"rules": [{"name": "x", "match": {"any": [{"resources": {"kinds": ["Pod"]}}]}}]}, False),
        ({"retention": {"daily": 7}}, False),
        ({"rules": ["a", "b"], "ingress": None}, False),
    ],
)
def test_rules_for_traffic_are_known_by_their_shape(spec: Object, of_the_network: bool) -> None:
    item: Object = {"metadata": {"name": "tenants"}, "spec": spec}
    (found,) = unknown({("nsx.corp.example", "v1"): {"TenantPolicy": [item, {"metadata": {"name": "bare"}}]}})
    assert found.of_the_network is of_the_network


@pytest.mark.parametrize(
    ("kind", "spec", "told"),
    [
        ("ImagePolicy", {"repositories": ["registry.example/*"]}, False),
        ("ClusterBackupPolicy", {"retention": "7d"}, False),
        ("ResourceApprovalPolicy", {}, False),
        ("CertificatePolicy", {"allowed": {}}, False),
        ("PolicyReport", {}, False),
        # What it says counts, too.
        ("ImagePolicy", {"egress": [{"toCIDR": ["10.0.0.0/8"]}]}, True),
        ("AdmissionNetworkPolicy", {}, True),
        ("AccessPolicy", {}, True),
        ("TenantPolicy", {}, True),
        ("Policy", {}, True),
    ],
)
def test_a_kind_that_says_what_else_it_is_about_is_no_alarm(kind: str, spec: Object, told: bool) -> None:
    item: Object = {"metadata": {"name": "one"}, "spec": spec}
    assert bool(unknown({("made-at-home.example", "v1"): {kind: [item]}})) is told
    closed = unknown({("made-at-home.example", "v1"): {kind: 403}})
    assert bool(closed) is (told and "egress" not in spec)

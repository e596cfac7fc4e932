"""Kinds that are named like policies, on API servers that serve this and that."""

from collections.abc import Mapping
from typing import Any

import pytest

from components.checks import CATALOGUE, Finding, Severity, run_checks
from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError
from components.operations.objects.policy_kinds import UnknownKind, read_policy_kinds
from tests.builders import FLANNEL, make_context, make_snapshot

Object = dict[str, Any]
Served = Mapping[tuple[str, str], Mapping[str, list[Object] | int]]
FINALIZE: dict[str, Any] = {"phase": "finalize", "waves": [["worker-1"], ["worker-2"], ["worker-3"]]}


class Serving(Cluster):
    """An API server by (group, version), kind, and its objects or the refusal; a version without kinds is down."""

    def __init__(self, served: Served, *, aggregated: bool = True, refused: int = 0) -> None:
        self.served, self.aggregated, self.refused = served, aggregated, refused

    def discover(self) -> Object:
        if self.refused:
            raise ClusterError("GET /apis: no", status=self.refused)
        if not self.aggregated:
            groups: dict[str, list[Object]] = {}
            for group, version in self.served:
                groups.setdefault(group, []).append({"version": version})
            return {"groups": [{"name": name, "versions": versions} for name, versions in groups.items()]}
        return {"items": [self._version(*place, kinds) for place, kinds in self.served.items()]}

    @staticmethod
    def _version(group: str, version: str, kinds: Mapping[str, Any]) -> Object:
        resources = [{"resource": plural(kind), "responseKind": {"kind": kind}, "verbs": verbs(kind)} for kind in kinds]
        said = {"version": version, "resources": resources, "freshness": "Current" if kinds else "Stale"}
        return {"metadata": {"name": group}, "versions": [said]}

    def get(self, path: str, **query: Any) -> Object:
        group, version, *rest = path.removeprefix("/apis/").split("/")
        kinds = self.served.get((group, version))
        if kinds == {}:
            raise ClusterError(f"{path}: no", status=503)
        if kinds is None:
            raise ClusterError(f"{path}: not there", status=404)
        if not rest:
            found = [{"kind": kind, "name": plural(kind), "verbs": verbs(kind)} for kind in kinds]
            return {"resources": [*found, *({**each, "name": f"{each['name']}/status"} for each in found)]}
        (items,) = (items for kind, items in kinds.items() if plural(kind) == rest[0])
        if isinstance(items, int):
            raise ClusterError(f"GET {path}: no", said=f"cannot list {rest[0]}", status=items)
        left = len(items) - query["limit"]
        return {"items": items[: query["limit"]], "metadata": {"remainingItemCount": left} if left > 0 else {}}


def verbs(kind: str) -> list[str]:
    return ["create"] if kind.endswith("Review") else ["create", "get", "list"]


def plural(kind: str) -> str:
    return f"{kind.lower()[:-1]}ies" if kind.endswith("y") else f"{kind.lower()}s"


def named(*names: str) -> list[Object]:
    made = []
    for name in names:
        space, _, short = name.rpartition("/")
        made.append({"metadata": {"name": short, **({"namespace": space} if space else {})}})
    return made


def unknown(served: Served, **how: bool) -> list[UnknownKind]:
    return list(read_policy_kinds(Serving(served, **how)).unknown)


def found_by(kinds: list[UnknownKind], **settings: Any) -> list[Finding]:
    context = make_context(make_snapshot(unknown_kinds=tuple(kinds)), **settings)
    return [each for each in run_checks(CATALOGUE, context) if each.check == "policy-kinds"]


@pytest.mark.parametrize("aggregated", [True, False], ids=["one-answer", "group-by-group"])
def test_policies_of_administrators_are_read_in_every_version(aggregated: bool) -> None:
    group = "policy.networking.k8s.io"
    cluster = Serving(
        {
            (group, "v1alpha2"): {"ClusterNetworkPolicy": named("tenants"), "AdminNetworkPolicy": named("both")},
            (group, "v1alpha1"): {"AdminNetworkPolicy": named("both"), "BaselineAdminNetworkPolicy": named("default")},
        },
        aggregated=aggregated,
    )
    found = read_policy_kinds(cluster)
    assert [(each["kind"], each["metadata"]["name"]) for each in found.of_administrators] == [
        ("ClusterNetworkPolicy", "tenants"), ("AdminNetworkPolicy", "both"), ("BaselineAdminNetworkPolicy", "default"),
    ]  # fmt: skip
    assert found.unknown == ()
    context = make_context(make_snapshot(admin_policies=found.of_administrators), **FINALIZE)
    lost = [each for each in run_checks(CATALOGUE, context) if each.check == "policies-lost"]
    assert len(lost) == 3
    assert "k8sClusterNetworkPolicy.enabled" in lost[0].evidence


@pytest.mark.parametrize("aggregated", [True, False], ids=["one-answer", "group-by-group"])
@pytest.mark.parametrize(
    ("group", "kind", "names", "of_the_network"),
    [
        ("crd.antrea.io", "ClusterNetworkPolicy", ["strict"], True),
        ("crd.antrea.io", "NetworkPolicy", ["shop/web"], True),
        ("networking.gke.io", "FQDNNetworkPolicy", ["shop/out"], True),
        ("networking.k8s.aws", "ApplicationNetworkPolicy", ["shop/a", "shop/b"], True),
        ("k8s.ovn.org", "EgressFirewall", ["shop/default"], True),
        ("vpcresources.k8s.aws", "SecurityGroupPolicy", ["shop/db"], True),
        ("k8s.cni.cncf.io", "MultiNetworkPolicy", ["shop/second"], True),
        ("projectcalico.org", "EgressGatewayPolicy", ["out"], True),
        ("kubeovn.io", "SecurityGroup", ["db"], True),
        ("k8s.ovn.org", "EgressIP", ["out"], True),
        ("k8s.ovn.org", "NetworkQoS", ["shop/slow"], True),
        ("networking.k8s.aws", "ClusterNetworkPolicy", ["baseline"], True),
        ("metal-stack.io", "ClusterwideNetworkPolicy", ["firewall/dns"], True),
        ("egressgateway.spidernet.io", "EgressClusterPolicy", ["out"], True),
        ("core.contrail.example", "FirewallRule", ["shop/a"], True),
        ("kyverno.io", "NetworkPolicy", ["no-kind-of-kyvernos"], True),
        ("neuvector.com", "NvSecurityRule", ["shop/web"], False),
        ("corp.example", "AccessPolicy", [f"rule-{number}" for number in range(17)], False),
    ],
)  # fmt: skip
def test_an_unknown_kind_with_objects_is_told(
    group: str, kind: str, names: list[str], of_the_network: bool, aggregated: bool
) -> None:
    (found,) = unknown({(group, "v1"): {kind: named(*names)}}, aggregated=aggregated)
    assert found == UnknownKind(title=f"{kind}.{group}", count=len(names), names=tuple(names[:5]))
    (before,), (at_last,) = found_by([found], phase="secondary"), found_by([found], **FINALIZE)
    assert before.severity is Severity.WARNING
    assert at_last.severity is (Severity.BLOCKER if of_the_network else Severity.WARNING)
    assert f"{kind}.{group} has {len(names)} object" in before.evidence
    assert names[0] in before.evidence


@pytest.mark.parametrize(
    ("group", "kind"),
    [
        ("networking.k8s.io", "NetworkPolicy"),
        ("cilium.io", "CiliumNetworkPolicy"),
        ("crd.projectcalico.org", "GlobalNetworkPolicy"),
        ("projectcalico.org", "NetworkPolicy"),
        ("projectcalico.org", "StagedGlobalNetworkPolicy"),
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"),
        ("policy", "PodSecurityPolicy"),
        ("policy", "PodDisruptionBudget"),
        ("security.openshift.io", "PodSecurityPolicyReview"),
        ("apps", "Deployment"),
        # Enforced by admission, or on objects.
        ("kyverno.io", "ClusterPolicy"), ("policies.kyverno.io", "ValidatingPolicy"),
        ("wgpolicyk8s.io", "PolicyReport"),
        ("policies.kubewarden.io", "ClusterAdmissionPolicy"), ("policy.cert-manager.io", "CertificateRequestPolicy"),
        ("constraints.gatekeeper.sh", "K8sPodSecurityPolicy"), ("policy.sigstore.dev", "ClusterImagePolicy"),
        ("image.toolkit.fluxcd.io", "ImagePolicy"), ("config.openshift.io", "ImageContentPolicy"),
        ("policy.karmada.io", "PropagationPolicy"), ("policy.open-cluster-management.io", "ConfigurationPolicy"),
        # In a proxy, or at a gateway: they stay with those.
        ("security.istio.io", "AuthorizationPolicy"), ("policy.linkerd.io", "AuthorizationPolicy"),
        ("policy.linkerd.io", "EgressNetwork"),
        ("gateway.networking.k8s.io", "BackendTLSPolicy"), ("gateway.envoyproxy.io", "SecurityPolicy"),
        ("k8s.nginx.org", "Policy"), ("kuadrant.io", "AuthPolicy"), ("networking.gke.io", "GCPBackendPolicy"),
        # At a cloud, of processes, of data.
        ("ec2.aws.upbound.io", "SecurityGroup"), ("compute.cnrm.cloud.google.com", "ComputeFirewall"),
        ("ec2.services.k8s.aws", "SecurityGroup"), ("network.azure.com", "FirewallPolicy"),
        ("security.kubearmor.com", "KubeArmorPolicy"), ("rabbitmq.com", "Policy"), ("config.kio.kasten.io", "Policy"),
        ("migrations.kubevirt.io", "MigrationPolicy"), ("nmstate.io", "NodeNetworkConfigurationPolicy"),
        # Made into NetworkPolicies by its own controller; never enforced.
        ("management.cattle.io", "ProjectNetworkPolicy"), ("operator.tigera.io", "PolicyRecommendation"),
        ("projectcalico.org", "PolicyRecommendationScope"),
        ("networking.k8s.aws", "PolicyEndpoint"), ("networking.k8s.aws", "ClusterPolicyEndpoint"),
        ("spdx.softwarecomposition.kubescape.io", "GeneratedNetworkPolicy"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("aggregated", [True, False], ids=["one-answer", "group-by-group"])
def test_what_is_known_and_what_is_no_policy_is_not(group: str, kind: str, aggregated: bool) -> None:
    assert unknown({(group, "v1"): {kind: named("a", "b")}}, aggregated=aggregated) == []


def test_an_unknown_kind_without_objects_is_not_told() -> None:
    assert unknown({("crd.antrea.io", "v1"): {"NetworkPolicy": []}, ("x.example", "v1"): {"Firewall": []}}) == []


@pytest.mark.parametrize(
    ("group", "kind"),
    [("crd.antrea.io", "NetworkPolicy"), ("policy.networking.k8s.io", "ClusterNetworkPolicy"), ("a.b", "HTTPPolicy")],
)
def test_what_cannot_be_listed_is_told_with_the_right(group: str, kind: str) -> None:
    (found,) = unknown({(group, "v1"): {kind: 403}})
    (told,) = found_by([found], phase="secondary")
    assert f"{kind}.{group} cannot be read (cannot list {plural(kind)})" in told.evidence


@pytest.mark.parametrize("aggregated", [True, False], ids=["one-answer", "group-by-group"])
def test_a_group_whose_server_is_down_is_told(aggregated: bool) -> None:
    down: Served = {("things.corp.example", "v1beta1"): {}, ("apps", "v1"): {"Deployment": []}}
    (found,) = unknown(down, aggregated=aggregated)
    (told,) = found_by([found], **FINALIZE)
    assert told.severity is Severity.WARNING
    assert "every kind of things.corp.example cannot be read" in told.evidence


@pytest.mark.parametrize("aggregated", [True, False], ids=["one-answer", "group-by-group"])
@pytest.mark.parametrize(
    "group", ["metrics.k8s.io", "custom.metrics.k8s.io", "external.metrics.k8s.io", "reports.kyverno.io"]
)
def test_a_group_without_policies_of_the_network_may_be_down(group: str, aggregated: bool) -> None:
    assert unknown({(group, "v1beta1"): {}, ("apps", "v1"): {"Deployment": []}}, aggregated=aggregated) == []


@pytest.mark.parametrize("others", [True, False], ids=["kept", "native"])
def test_calicos_own_api_server_may_be_down_where_its_objects_are_read_without_it(others: bool) -> None:
    down: dict[tuple[str, str], Mapping[str, list[Object] | int]] = {("projectcalico.org", "v3"): {}}
    found = unknown(down | ({("crd.projectcalico.org", "v1"): {"IPPool": []}} if others else {}))
    assert [each.title for each in found] == ([] if others else ["every kind of projectcalico.org"])


def test_what_a_server_was_known_to_serve_before_it_went_down_is_not_asked_for() -> None:
    """The API server keeps the kinds that it last heard of."""

    class Stale(Serving):
        def discover(self) -> Object:
            found = super().discover()
            for item in found["items"]:
                item["versions"][0]["freshness"] = "Stale"
            return found

        def get(self, path: str, **query: Any) -> Object:
            raise AssertionError(path)

    down: Served = {("corp.example", "v1"): {"Lease": []}, ("crd.antrea.io", "v1"): {"NetworkPolicy": [], "Tier": []}}
    (found,) = read_policy_kinds(Stale(down)).unknown
    assert (found.title, found.trouble) == ("NetworkPolicy.crd.antrea.io", "the server that has them does not answer")


def test_who_may_not_ask_what_is_served_is_told() -> None:
    (found,) = read_policy_kinds(Serving({}, refused=403)).unknown
    assert found_by([found], phase="secondary")[0].evidence.startswith("any kind of NetworkPolicy cannot be read")


def test_a_calico_whose_kinds_the_api_does_not_serve_is_told() -> None:
    source = FLANNEL.model_copy(update={"policy_engine": "Calico"})
    context = make_context(**FINALIZE)
    object.__setattr__(context, "source", source)
    found = [each for each in run_checks(CATALOGUE, context) if each.check == "policy-kinds"]
    assert [each.severity for each in found] == [Severity.BLOCKER]
    assert "its own policies cannot be read" in found[0].evidence

"""Engines that enforce policies, by the DaemonSets that a cluster has."""

import json
from typing import Any

import pytest

from components.checks import CATALOGUE, Severity, run_checks
from components.operations.objects.policy_watchers import bound_accounts, role_that_watches, watchers
from components.policies import inventory
from components.policy_engines import engines
from stacks.addresses import NOTHING_KNOWN
from stacks.config import parse_config
from tests.builders import FLANNEL, FLANNEL_DAEMON_SET, make_context, make_node, make_snapshot

Object = dict[str, Any]
WAVES = [["worker-1"], ["worker-2"], ["worker-3"]]
CALICO = FLANNEL.model_copy(update={"policy_engine": "Calico"})
DENY: Object = {"metadata": {"name": "deny", "namespace": "shop"}, "spec": {"podSelector": {}}}


def runs(
    name: str, *containers: Object, init: tuple[Object, ...] = (), status: Object | None = None,
    pods: Object | None = None,
) -> Object:  # fmt: skip
    spec = {"containers": [{"name": "main", "image": "example", **each} for each in containers]}
    template = {"spec": {**spec, "initContainers": list(init), **(pods or {})}}
    metadata = {"namespace": "kube-system", "name": name}
    return {"metadata": metadata, "spec": {"template": template}, "status": status or {}}


def agent(*args: str) -> Object:
    return {"name": "aws-eks-nodeagent", "image": "example/amazon/aws-network-policy-agent:v1.3.2", "args": list(args)}


@pytest.mark.parametrize(
    ("item", "enforces"),
    [
        # AWS: in every aws-node, and off unless it is told to enforce.
        (runs("aws-node", {"image": "a/amazon-k8s-cni:v1"}, agent("--enable-network-policy=true")), True),
        (runs("aws-node", {"image": "a/amazon-k8s-cni:v1"}, agent("--enable-network-policy")), True),
        (runs("aws-node", {"image": "a/amazon-k8s-cni:v1"}, agent("--enable-network-policy=false")), False),
        (runs("aws-node", {"image": "a/amazon-k8s-cni:v1"}, agent("--enable-ipv6=false")), False),
        (runs("azure-npm", {"image": "mcr.example/containernetworking/azure-npm:v1.6.1"}), True),
        (runs("azure-cns", {"image": "mcr.example/containernetworking/azure-cns:v1.6.1"}), False),
        (runs("firewall", {"image": "mirror.example/kube-router:v2.6.0", "args": ["--run-firewall=true"]}), True),
        (runs("proxy", {"image": "mirror.example/kube-router:v2.6.0", "args": ["--run-firewall=false"]}), False),
        (runs("router", {"command": ["/usr/local/bin/kube-router"]}), True),
        (runs("flannel-netpol", {"image": "registry.example/networking/kube-network-policies:v1.0.0"}), True),
        (runs("weave-net", {"image": "weaveworks/weave-kube:2.8.1"}, {"image": "weaveworks/weave-npc:2.8.1"}), True),
        (runs("own", {"image": "corp.example/net/agent:7", "args": ["--enable-network-policy=true"]}), True),
        (runs("own", {"image": "corp.example/net/agent:7", "args": ["--enable-network-policy=off"]}), False),
        (runs("shell", {"command": ["sh", "-c", "exec agent --network-policy=true --v=2"]}), True),
        (runs("sidecar", {}, init=({"name": "netpol", "image": "x/netpol:1", "restartPolicy": "Always"},)), True),
        (runs("once", {}, init=({"name": "netpol", "image": "x/netpol-cleanup:1"},)), False),
        (
            runs("nowhere", {"image": "x/azure-npm:1"}, status={"observedGeneration": 1, "desiredNumberScheduled": 0}),
            False,
        ),
        (runs("uncounted", {"image": "x/azure-npm:1"}, status={"desiredNumberScheduled": 0}), True),
        (runs("csi", {"image": "quay.example/calico/csi:v3.30.2"}), False),
        (runs("csi-node-driver", {"image": "calico/csi:v3.30.2"}, {"image": "calico/node-driver-registrar:v3"}), False),
        # MultiNetworkPolicies are of pods' second networks, whoever is the first one's CNI.
        (runs("second", {"image": "x/multi-networkpolicy-iptables:v1"}), False),
        (runs("second", {"command": ["/usr/bin/multi-networkpolicy-tc"]}), False),
        (runs("own", {"image": "x/agent:1", "args": ["--network-policies=true"]}), True),
        (runs("aws-node", {"image": "a/amazon-k8s-cni:v1"}, {"image": "e/antrea/antrea-agent-ubuntu:v2.4.0"}), True),
        (runs("kube-flannel", {"image": "x/flannel:v1"}, {"image": "x/kube-network-policies:v1.1.0"}), True),
        (runs("windows", {"image": "x/azure-npm:1"}, pods={"nodeSelector": {"kubernetes.io/os": "windows"}}), False),
        (runs("ingress", {"image": "x/ingress-nginx:1", "args": ["--enable-metrics=true"]}), False),
    ],
    ids=lambda each: str(each) if isinstance(each, bool) else each["metadata"]["name"],
)
def test_an_engine_is_known_by_its_program_and_its_switch(item: Object, enforces: bool) -> None:
    found = engines(make_snapshot(daemon_sets=(FLANNEL_DAEMON_SET, item)), FLANNEL)
    assert [each.title for each in found] == ([f"DaemonSet kube-system/{item['metadata']['name']}"] if enforces else [])


@pytest.mark.parametrize(
    "image", ["docker.example/calico/node:v3.30.2", "rancher/hardened-calico:v3.30.2", "gke.example/calico-node:3"]
)
def test_calico_for_policies_alone_reads_its_own_kinds_whatever_its_daemon_set_is_called(image: str) -> None:
    policy: Object = {"metadata": {"name": "web"}, "spec": {"selector": "app == 'web'", "types": ["Egress"]}}
    accepts = [{"name": "FELIX_DEFAULTENDPOINTTOHOSTACTION", "value": "ACCEPT"}]
    agents = runs("felix", {"image": image, "env": accepts})
    snapshot = make_snapshot(daemon_sets=(agents,), calico={"GlobalNetworkPolicy": (policy,)})
    (found,) = engines(snapshot, FLANNEL)
    assert found.reads_calico
    entries = inventory(parse_config({}), snapshot=snapshot, source=FLANNEL, addresses=NOTHING_KNOWN).entries
    assert [each.title for each in entries] == ["GlobalNetworkPolicy web"]


def rule(*resources: str, verbs: tuple[str, ...] = ("get", "list", "watch"), groups: tuple[str, ...] = ()) -> Object:
    return {"resources": list(resources), "verbs": list(verbs), "apiGroups": list(groups)}


@pytest.mark.parametrize(
    ("rules", "account", "program", "told"),
    [
        ([rule("pods"), rule("networkpolicies")], "agent", {}, True),
        ([rule("networkpolicies", "namespaces", verbs=("*",))], "agent", {}, True),
        ([rule("policyendpoints", "policyendpoints/status")], "agent", {}, True),
        ([rule("globalnetworkpolicies", "tiers")], "agent", {}, True),
        ([rule("networkpolicies", groups=("networking.k8s.io", "extensions"))], "agent", {}, True),
        ([rule("networkpolicies", groups=("*",))], "agent", {}, True),
        # Policies that are only proposed, and a mesh's: in groups that are not the network's.
        ([rule("generatednetworkpolicies", groups=("spdx.softwarecomposition.kubescape.io",))], "agent", {}, False),
        ([rule("meshnetworkpolicies", groups=("kuma.io",))], "agent", {}, False),
        ([rule("multi-networkpolicies", groups=("k8s.cni.cncf.io",))], "agent", {}, False),
        ([rule("networkpolicies", verbs=("get", "list"))], "agent", {}, False),
        ([rule("*", verbs=("*",))], "agent", {}, False),  # an administrator may do anything
        ([rule("networkpolicies")], "other", {}, False),
        ([rule("networkpolicies")], "agent", agent("--enable-network-policy=false"), False),
        ([rule("networkpolicies")], "agent", {"image": "quay.example/cilium/cilium:v1.19.7"}, False),
    ],
)  # fmt: skip
def test_a_program_of_any_name_is_known_by_what_it_may_watch(
    rules: list[Object], account: str, program: Object, told: bool
) -> None:
    role = role_that_watches({"metadata": {"name": "policy-agent"}, "rules": rules})
    subject = {"kind": "ServiceAccount", "namespace": "kube-system", "name": account}
    group = {"kind": "Group", "name": "system:nodes"}
    bound = bound_accounts({"roleRef": {"name": "policy-agent"}, "subjects": [group, subject]})
    item = runs("terway", {"image": "acs.example/terway:v1.15", **program})
    item["spec"]["template"]["spec"]["serviceAccountName"] = "agent"
    snapshot = make_snapshot(daemon_sets=(FLANNEL_DAEMON_SET, item), policy_watchers=watchers([role, None], [bound]))
    found = [each.title for each in engines(snapshot, FLANNEL)]
    assert found == (["DaemonSet kube-system/terway, which may watch NetworkPolicies,"] if told else [])


def test_all_are_told() -> None:
    sets = (runs("npm", {"image": "x/azure-npm:1"}), runs("router", {"image": "x/kube-router:1"}))
    snapshot = make_snapshot(daemon_sets=(FLANNEL_DAEMON_SET, *sets), policy_objects=(DENY,))
    settings = {"phase": "migrate", "waves": [["worker-1"]]}
    (found,) = make_context(snapshot, **settings).policies.entries
    assert found.title == "NetworkPolicy shop/deny"
    assert [each.title for each in engines(snapshot, CALICO)] == [
        "Calico", "DaemonSet kube-system/npm", "DaemonSet kube-system/router",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "source", "told"),
    [
        (None, FLANNEL, ["k3s"]),
        (["server", "--cluster-init"], FLANNEL, ["k3s"]),
        (["server", "--disable-network-policy"], FLANNEL, []),
        (["server", "--disable-network-policy=true"], FLANNEL, []),
        (["server", "--disable-network-policy=false"], FLANNEL, ["k3s"]),
        (["agent"], FLANNEL, ["k3s"]),
        (["server", "--flannel-backend", "none", "--disable-network-policy"], CALICO, ["Calico"]),
        (["server", "--flannel-backend", "none"], CALICO, ["Calico", "k3s"]),
        (None, CALICO, ["Calico"]),
    ],
)
def test_k3s_enforces_unless_its_servers_were_told_not_to(
    arguments: list[str] | None, source: Any, told: list[str]
) -> None:
    annotations = {} if arguments is None else {"k3s.io/node-args": json.dumps(arguments)}
    nodes = (make_node("worker-1", annotations=annotations),)
    snapshot = make_snapshot(nodes=nodes, server_version="v1.33.1+k3s1")
    assert [each.title for each in engines(snapshot, source)] == told


AGENT: Object = {"name": "calico-node", "image": "quay.example/calico/node:v3.31.0"}


@pytest.mark.parametrize(
    ("variable", "field", "place"),
    [
        ("Drop", None, "FELIX_DEFAULTENDPOINTTOHOSTACTION of DaemonSet kube-system/calico-node is Drop"),
        ("ACCEPT", None, ""),
        ("RETURN", "Drop", ""),  # a variable comes before the object
        ("DROP", "Accept", "FELIX_DEFAULTENDPOINTTOHOSTACTION of DaemonSet kube-system/calico-node is Drop"),
        ("", "Drop", "defaultEndpointToHostAction of FelixConfiguration default is Drop"),
        ("", "Accept", ""),
        ("", None, "defaultEndpointToHostAction, which nobody sets for Felix, is Drop"),
    ],
)
def test_a_felix_that_keeps_pods_from_their_node_is_a_policy_that_is_lost(
    variable: str, field: str | None, place: str
) -> None:
    env = [{"name": "FELIX_DefaultEndpointToHostAction", "value": variable}]
    felix: Object = {"metadata": {"name": "default"}, "spec": {"defaultEndpointToHostAction": field}}
    snapshot = make_snapshot(
        daemon_sets=(runs("calico-node", {**AGENT, "env": env}),), calico={"FelixConfiguration": (felix,)}
    )
    found = inventory(parse_config({}), snapshot=snapshot, source=CALICO, addresses=NOTHING_KNOWN).entries
    assert [each.title for each in found] == (["FelixConfiguration default"] if place else [])
    assert all(each.reasons[0].startswith(place) for each in found)
    nobody = inventory(parse_config({}), snapshot=make_snapshot(), source=FLANNEL, addresses=NOTHING_KNOWN).entries
    assert nobody == ()


ADMIN: Object = {"kind": "AdminNetworkPolicy", "metadata": {"name": "tenants"}, "spec": {"priority": 5}}


@pytest.mark.parametrize("enforced", [True, False])
def test_policies_of_administrators_that_nobody_enforces_are_lost_to_nobody(enforced: bool) -> None:
    """Their kinds are there on many a cluster whose CNI does not know them."""
    npm = runs("kube-network-policies", {"image": "x/kube-network-policies:v1"})
    sets = (FLANNEL_DAEMON_SET, npm) if enforced else (FLANNEL_DAEMON_SET,)
    context = make_context(make_snapshot(daemon_sets=sets, admin_policies=(ADMIN,)), phase="finalize", waves=WAVES)
    found = {each.check: each for each in run_checks(CATALOGUE, context) if "tenants" in each.evidence}
    assert ("network-policies" in found) is enforced  # Cilium will not enforce it from `finalize` on
    lost = found["policies-lost"]
    assert lost.severity is (Severity.BLOCKER if enforced else Severity.WARNING)
    assert ("nothing in sight enforces it today either" in lost.evidence) is not enforced


@pytest.mark.parametrize(("mode", "lost"), [("strict", True), ("Strict", True), ("standard", False), ("", False)])
def test_an_engine_that_denies_what_no_policy_selects_is_a_policy_that_is_lost(mode: str, lost: bool) -> None:
    env = [{"name": "NETWORK_POLICY_ENFORCING_MODE", "value": mode}]
    item = runs("aws-node", {"image": "a/amazon-k8s-cni:v1", "env": env}, agent("--enable-network-policy=true"))
    context = make_context(make_snapshot(daemon_sets=(FLANNEL_DAEMON_SET, item)), phase="finalize", waves=WAVES)
    found = [each for each in run_checks(CATALOGUE, context) if each.check == "policies-lost"]
    assert [each.severity for each in found] == ([Severity.BLOCKER] if lost else [])
    assert all("DaemonSet kube-system/aws-node cannot be expressed" in each.evidence for each in found)
    closed = {"finalValues": {"policyEnforcementMode": "always"}}
    context = make_context(context.snapshot, phase="finalize", waves=WAVES, cilium=closed)
    assert [each for each in run_checks(CATALOGUE, context) if each.check == "policies-lost"] == []


@pytest.mark.parametrize(("mode", "told"), [("never", True), ("default", False), ("always", False), (None, False)])
def test_policies_that_cilium_is_told_not_to_enforce_are_told(mode: str | None, told: bool) -> None:
    router = runs("router", {"image": "x/kube-router:1"})
    snapshot = make_snapshot(daemon_sets=(FLANNEL_DAEMON_SET, router), policy_objects=(DENY,))
    final = {"finalValues": {} if mode is None else {"policyEnforcementMode": mode}}
    accepted = {"acceptUnenforcedPolicies": True}
    for phase, severity in (("migrate", Severity.WARNING), ("finalize", Severity.BLOCKER)):
        context = make_context(snapshot, phase=phase, waves=WAVES, cilium=final, policies=accepted)
        found = [each for each in run_checks(CATALOGUE, context) if "policyEnforcementMode" in each.evidence]
        assert [each.severity for each in found] == ([severity] if told else [])


@pytest.mark.parametrize(("kind", "told"), [("auto", True), ("ec2", False), (None, False)])
def test_agents_that_are_no_pods_are_known_by_their_nodes(kind: str | None, told: bool) -> None:
    labels = {} if kind is None else {"eks.amazonaws.com/compute-type": kind}
    snapshot = make_snapshot(nodes=(make_node("worker-1", labels=labels), make_node("worker-2")))
    assert bool(engines(snapshot, FLANNEL)) is told

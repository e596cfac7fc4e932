"""The permission table against the requests that the operations really make, and the objects that phases declare."""

import json
from collections.abc import Iterable
from typing import Any

import pytest

from components.operations.focus import Focus
from components.operations.removal.sweep import say_network_is_there
from components.operations.rights.chart_rights import chart_rights
from components.operations.rights.permissions import Aims, Need, needs
from components.policies import inventory, kept
from components.sources import describe, source_of
from components.sources.calico.objects import read_kinds
from components.sources.description import SourceDescription
from components.sources.observing import Registry, observe
from stacks.addresses import NOTHING_KNOWN
from stacks.config import parse_config
from stacks.strategies import Milestone
from tests.builders import FLANNEL, make_snapshot
from tests.operations.recording import Recording
from tests.sources.making_clusters import VXLAN, kindnet
from tests.sources.upstream import Object, calico, calico_object, flannel, folder_of, kinds, operator

SERVED = [
    *(f"crd.projectcalico.org/v1/{kind}/{kind.lower()}s" for kind in
      ("IPPool", "FelixConfiguration", "NetworkSet", "GlobalNetworkSet", "HostEndpoint")),
    "crd.projectcalico.org/v1/NetworkPolicy/networkpolicies",
    "crd.projectcalico.org/v1/GlobalNetworkPolicy/globalnetworkpolicies",
    "operator.tigera.io/v1/Installation/installations",
]  # fmt: skip
PLURALS = {
    each: f"{each.lower()[:-1]}ies"
    for each in ("NetworkPolicy", "GlobalNetworkPolicy", "CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy")
}
POLICY = calico_object("GlobalNetworkPolicy", "deny-out", selector="all()", types=["Egress"])
NODE: Object = {
    "metadata": {"name": "worker-1"},
    "status": {"conditions": [{"type": "NetworkUnavailable", "status": "True"}]},
}


def is_calicos(item: Object) -> bool:
    return "projectcalico" in json.dumps(item)


def server(objects: Iterable[Object]) -> Recording:
    places: dict[str, list[Object]] = {"/api/v1/nodes": [NODE]}
    for each in objects:
        places.setdefault(folder_of(each), []).append(each)
    return Recording(places, served=SERVED if any(map(is_calicos, objects)) else ())


def lacking(asked: Iterable[Need], given: Iterable[Need]) -> set[str]:
    """Rights that were asked for and are in no row, neither there nor everywhere."""
    have = {(each.namespace, each.group, each.resource, each.verb) for each in given}
    return {
        each.title
        for each in asked
        if not have & {(place, each.group, each.resource, each.verb) for place in (each.namespace, "")}
    }


def table(cluster: Recording, source: SourceDescription, **more: Any) -> list[Need]:
    aims = Aims(removes=True, source=source_of(source).rights, home=source.namespace, **more)
    return list(needs(cilium_namespace="kube-system", aims=aims, own_kinds=read_kinds(cluster)))


SOURCES = pytest.mark.parametrize(
    "objects",
    [
        flannel(), kindnet("10.244.0.0/16"),
        [*calico("canal"), *kinds("canal"), POLICY],
        [*calico("calico-typha"), *kinds("calico-typha"), VXLAN, POLICY],
        [*operator(VXLAN), *kinds("tigera-operator"), POLICY],
    ],
    ids=["flannel", "kindnet", "canal", "calico", "operator"],
)  # fmt: skip


@SOURCES
def test_reading_and_removing_a_source_asks_for_nothing_that_the_table_lacks(objects: list[Object]) -> None:
    cluster = server(objects)
    source = describe(observe(cluster, cilium_namespace="kube-system"))
    kind = source_of(source)
    kind.remove_objects(_without_agents(cluster), source, timeout_seconds=1)
    say_network_is_there(cluster, NODE)
    assert any(each.verb == "delete" for each in cluster.asked)
    assert lacking(cluster.asked, table(cluster, source)) == set()


@pytest.mark.parametrize("group", ["crd.projectcalico.org", "projectcalico.org"])
def test_policies_that_are_only_tried_are_somebodys_work_too(group: str) -> None:
    plural = "stagednetworkpolicies"
    spec = {"group": group, "names": {"plural": plural}, "versions": [{"name": "v1", "served": True}]}
    kind: Object = {"kind": "CustomResourceDefinition", "metadata": {"name": f"{plural}.{group}"}, "spec": spec}
    tried: Object = {"metadata": {"name": "tomorrow", "namespace": "shop"}, "spec": {}}
    cluster = server([*calico("calico-vxlan"), VXLAN, {**kind, "apiVersion": "apiextensions.k8s.io/v1"}])
    path = f"/apis/{group}/v1/namespaces/shop/{plural}/tomorrow"
    cluster.objects[path] = tried
    source = describe(observe(cluster, cilium_namespace="kube-system"))
    found = source_of(source).remove_objects(cluster, source, timeout_seconds=1)
    assert found.kept == (f"CustomResourceDefinition {plural}.{group}, as 1 objects of it are somebody's work",)
    assert lacking(cluster.asked, table(cluster, source)) == set()


@pytest.mark.parametrize(
    "objects", [[*calico("calico-vxlan"), VXLAN], operator(VXLAN)], ids=["calico", "operator"]
)  # fmt: skip
def test_preparing_calico_and_taking_that_back_asks_for_nothing_that_the_table_lacks(objects: list[Object]) -> None:
    cluster = server(objects)
    source = describe(observe(cluster, cilium_namespace="kube-system"))
    way = source_of(source).way
    assert way
    way(source).change(cluster, (4, 6))
    way(source).undo(cluster)
    assert lacking(cluster.asked, table(cluster, source, prepares=True)) == set()


def _without_agents(cluster: Recording) -> Recording:
    """As once Calico's operator took away what it made."""
    for path in [each for each in cluster.objects if each.startswith("/apis/apps/v1/namespaces/calico-system/")]:
        del cluster.objects[path]
    return cluster


ALLOW: Object = {"action": "Allow", "protocol": "TCP", "source": {"selector": "role == 'api'"}}


def written(kind: str, *, version: str, space: str = "") -> Object:
    spec = {"selector": "role == 'db'", "types": ["Ingress"], "ingress": [ALLOW]}
    place = {"namespace": space} if space else {}
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "db", **place}, "spec": spec}


@pytest.mark.parametrize("version", ["crd.projectcalico.org/v1", "projectcalico.org/v3"])
@pytest.mark.parametrize("policies", [{"bridge": True, "acceptTranslated": True}, {"acceptUnenforcedPolicies": True}])
@pytest.mark.parametrize("phase", ["migrate", "finalize"])
def test_every_policy_object_that_a_run_keeps_may_be_made_watched_and_taken_away(
    version: str, policies: Object, phase: str
) -> None:
    of_kubernetes: Object = {
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"podSelector": {}, "ingress": [{"from": [{"podSelector": {"matchLabels": {"role": "api"}}}]}]},
    }
    snapshot = make_snapshot(
        policy_objects=(of_kubernetes,),
        calico={
            "GlobalNetworkPolicy": (written("GlobalNetworkPolicy", version=version),),
            "NetworkPolicy": (written("NetworkPolicy", version=version, space="shop"),),
        },
    )
    config = parse_config({"phase": phase, "waves": [["worker-1"]], "policies": policies})
    source = FLANNEL.model_copy(update={"policy_engine": "Calico"})
    found = inventory(config, snapshot=snapshot, source=source, addresses=NOTHING_KNOWN)
    objects = kept(config, found, snapshot=snapshot, gone=False)
    group = version.partition("/")[0]
    served = [(kind, group, plural) for kind, plural in PLURALS.items() if not kind.startswith("Cilium")]
    aims = Aims(policies_beside=config.policies.beside_the_old, own_policies=Registry().policies())
    given = list(needs(cilium_namespace="kube-system", aims=aims, own_kinds=served))
    asked = [
        Need(verb=verb, group=each["apiVersion"].partition("/")[0], resource=PLURALS[each["kind"]],
             namespace=each["metadata"].get("namespace", ""))
        for each in objects for verb in ("get", "list", "watch", "create", "patch", "delete")
    ]  # fmt: skip
    assert lacking(asked, given) == set()
    if phase == "migrate":
        beside = {(each["apiVersion"], each["kind"]) for each in objects if "cilium" not in each["apiVersion"]}
        assert beside == {
            ("networking.k8s.io/v1", "NetworkPolicy"), (version, "NetworkPolicy"), (version, "GlobalNetworkPolicy"),
        }  # fmt: skip


def test_who_bridges_nothing_needs_no_right_to_write_policies_of_others() -> None:
    served = [("NetworkPolicy", "projectcalico.org", "networkpolicies")]
    given = needs(cilium_namespace="kube-system", own_kinds=served)
    assert {each.verb for each in given if each.resource == "networkpolicies" and not each.namespace} == {"list"}


@pytest.mark.parametrize(
    ("values", "rights"),
    [
        ({}, set()),
        ({"hubble": {"relay": {"enabled": True}, "ui": {"enabled": True}}}, set()),
        ({"prometheus": {"enabled": True, "serviceMonitor": {"enabled": True}}},
         {"create servicemonitors.monitoring.coreos.com in net"}),
        ({"operator": {"podDisruptionBudget": {"enabled": "true"}}}, {"create poddisruptionbudgets.policy in net"}),
        ({"ingressController": {"enabled": True}},
         {"create ingressclasses.networking.k8s.io", "create endpointslices.discovery.k8s.io in net",
          "create endpoints in net"}),
        ({"ingressController": {"enabled": False}, "resourceQuotas": {"enabled": None}}, set()),
        ({"gatewayAPI": {"enabled": True}},
         {"create gatewayclasses.gateway.networking.k8s.io",
          "create validatingadmissionpolicies.admissionregistration.k8s.io",
          "create validatingadmissionpolicybindings.admissionregistration.k8s.io"}),
        ({"hubble": {"tls": {"auto": {"method": "cronJob"}}}},
         {"create cronjobs.batch in net", "create jobs.batch in net"}),
        ({"clustermesh": {"apiserver": {"tls": {"auto": {"method": "certmanager"}}}}},
         {"create certificates.cert-manager.io in net"}),
    ],
)  # fmt: skip
def test_what_the_chart_makes_by_the_users_values_is_asked_for(values: Object, rights: set[str]) -> None:
    for sets in ((values, {}), ({}, values), (values, values)):
        given = needs(cilium_namespace="net", aims=Aims(chart=chart_rights(*sets)))
        asked = {each.title for each in given if each.verb == "create"}
        plain = {each.title for each in needs(cilium_namespace="net") if each.verb == "create"}
        assert asked - plain == rights


def test_workloads_that_are_required_may_be_looked_at_from_the_first_run_on() -> None:
    cluster = server(flannel())
    required = ("Deployment shop/web", "StatefulSet shop/db", "DaemonSet logs/agent")
    observe(cluster, cilium_namespace="kube-system", focus=Focus(required=required))
    first = [each for each in needs(cilium_namespace="kube-system", aims=Aims(required=required))
             if each.milestone is Milestone.BEFORE_CILIUM]  # fmt: skip
    assert {each.title for each in cluster.asked} >= {"get deployments.apps in shop", "get statefulsets.apps in shop"}
    assert lacking(cluster.asked, first) == set()

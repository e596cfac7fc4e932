"""Calico's ways of finding a node's address in every form in which manifests, Installations and pools have them."""

import json
from typing import Any

import pytest

from components.checks import Severity
from components.checks.framework.context import Context
from components.sources import describe, fooled_families
from components.sources.calico.detection_methods import why_fooled
from components.sources.calico.moved_autodetection import BEFORE
from stacks.config import parse_config
from stacks.values import contradictions
from tests.sources.calico.test_autodetection import (
    LIVE,
    METHOD,
    METHOD_V6,
    NODE_IP,
    POOLS,
    SECRET,
    by_manifest,
    cluster,
    described,
    found,
    nodes,
    prepared,
)
from tests.sources.upstream import Object, calico, changed, environment, operator, pool


@pytest.mark.parametrize(
    "method",
    [
        "interface=$(metadata.annotations['net/card'])", "skip-interface=$(CARDS)",
        "interface=^eth0$|^lxc_health$", "interface=[^c].*", "interface=c.*,eth0", "skip-interface=cilium_h.*,lxc.*",
        "skip-interface=^(docker|br-)", "cidr=10.244.0.0/15,192.168.0.0/16", "cidr=10.245.255.255/32",
        "interface=f0$", "interface=e1", "interface=^lxc.*b7a",
    ],
)  # fmt: skip
def test_more_methods_that_come_upon_an_interface_of_cilium(method: str) -> None:
    assert why_fooled(method, family=4, pools=POOLS)


@pytest.mark.parametrize(
    "method",
    [
        "kubernetes-internal-ip ", "kubernetes-internal-ip=", "can-reach=8.8.8.8", "can-reach=10.246.0.1",
        "can-reach=$(status.hostIP)", "can-reach=$(status.podIP)", "skip-interface=^(cilium|lxc)",
        "skip-interface=^c.*,^l.*", "interface=ens192\\.100", "interface=\\beth", "interface=^[^cl]",
    ],
)  # fmt: skip
def test_more_methods_that_cannot(method: str) -> None:
    assert why_fooled(method, family=4, pools=POOLS) == ""


def test_an_address_to_be_reached_is_judged_in_its_own_family() -> None:
    assert why_fooled("can-reach=fd00:10:245::7", family=6, pools=POOLS)
    assert not why_fooled("can-reach=2001:db8::1", family=6, pools=POOLS)
    assert not why_fooled("can-reach=10.245.0.7", family=6, pools=POOLS), "Calico finds none, and keeps what it had"
    assert why_fooled("can-reach=8.8.8.8", family=4), "a pool that is not known may be anywhere"


SETTINGS = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "net", "namespace": "kube-system"}}


def with_entries(*entries: Object, whole: tuple[Object, ...] = (), **data: str) -> list[Object]:
    """A manifest whose agents have these variables, in this order, and whole objects of variables before them."""
    names = {each["name"] for each in entries} | ({"IP", METHOD} if whole else set())

    def change(item: Object) -> None:
        (container,) = item["spec"]["template"]["spec"]["containers"]
        container["env"] = [*(each for each in container["env"] if each["name"] not in names), *entries]
        container["envFrom"] = list(whole)

    return [*changed(by_manifest(), "DaemonSet", change), {**SETTINGS, "data": data}]


WHOLE = {"configMapRef": {"name": "net"}}
CARD = {"name": "CARD", "value": "eth1"}
BY_CARD = {"name": METHOD, "value": "interface=$(CARD)"}


@pytest.mark.parametrize(
    ("objects", "method"),
    [
        (with_entries({"name": "NODEIP", **NODE_IP}, {"name": METHOD, "value": "can-reach=$(NODEIP)"}),
         "can-reach=$(status.hostIP)"),
        (with_entries(CARD, BY_CARD), "interface=eth1"),
        (with_entries(BY_CARD, CARD), "interface=$(CARD)"),  # kubelet knows those alone that stand before
        (with_entries({"name": METHOD, "value": "interface=^eth0$$"}), "interface=^eth0$"),
        (with_entries({"name": "A", "value": "$(B)"}, {"name": "B", "value": "$(A)"},
                      {"name": METHOD, "value": "interface=$(A)"}), "interface=$(B)"),
        (with_entries({"name": METHOD, "value": "interface=eth0"}, {"name": METHOD, "value": "first-found"}),
         "first-found"),
        (with_entries({"name": METHOD, **SECRET}, {"name": METHOD, "value": "interface=eth0"}), "interface=eth0"),
        (with_entries(whole=(WHOLE,), IP="autodetect", IP_AUTODETECTION_METHOD="cidr=10.0.0.0/8"),
         "cidr=10.0.0.0/8"),
        (with_entries(whole=({"prefix": "IP_", **WHOLE},), AUTODETECTION_METHOD="interface=eth1"),
         "interface=eth1"),
        (with_entries(BY_CARD, whole=(WHOLE,), CARD="bond0"), "interface=bond0"),
        (with_entries(whole=({"secretRef": {"name": "net"}},)), "not readable: IP comes from elsewhere"),
        (with_entries({"name": "IP", "value": "autodetect"}, {"name": METHOD, "value": "interface=eth0"},
                      whole=({"secretRef": {"name": "etcd"}},)), "interface=eth0"),
        (with_entries({"name": "NODEIP", **NODE_IP}, {"name": "IP", "value": "$(NODEIP)"}), ""),
    ],
)  # fmt: skip
def test_a_variable_is_put_together_as_kubelet_does_it(objects: list[Object], method: str) -> None:
    assert described(*objects).autodetection == method


def test_a_secret_of_a_cluster_with_ipv4_alone_is_no_question_of_ipv6() -> None:
    secret = {"secretRef": {"name": "etcd"}}

    def refer(item: Object) -> None:
        item["spec"]["template"]["spec"]["containers"][0]["envFrom"] = [secret]

    both = changed(by_manifest(IP="autodetect", **{METHOD: "interface=eth0"}), "DaemonSet", refer)
    v4 = [each for each in both if each["metadata"]["name"] != "default-ipv6-ippool"]
    assert described(*v4).autodetection_v6 == ""
    assert described(*both).autodetection_v6.startswith("not readable: IP6")


@pytest.mark.parametrize(
    ("setting", "families"),
    [
        ({"firstFound": True, "interface": "eth0"}, (4,)),  # the operator takes none of two, and its agents stay
        ({"kubernetes": "NodeInternalIP", "cidrs": ["10.0.0.0/8"]}, (4,)),
        ({"interface": "eth0", "skipInterface": "docker.*"}, (4,)),
        ({"firstFound": False, "interface": "eth0"}, ()),
        ({"firstFound": False, "cidrs": ["172.30.0.0/16"]}, ()),
        ({"canReach": "8.8.8.8"}, ()),  # what the operator sets on EKS
        ({"canReach": "10.245.0.1"}, (4,)),
        ({"skipInterface": "^br-.*"}, (4,)),  # on Docker Enterprise
        ({"interface": "eth.*|lxc.*"}, (4,)),
        ({"cidrs": []}, (4,)),
    ],
)  # fmt: skip
def test_more_settings_of_the_installation(setting: Object, families: tuple[int, ...]) -> None:
    made = operator(pool("192.168.0.0/16", vxlanMode="Always"), nodeAddressAutodetectionV4=setting)
    assert fooled_families(described(*made), pools=POOLS) == families


TWO = {**LIVE, "enable-ipv6": "true", "cluster-pool-ipv6-mask-size": "120"}


@pytest.mark.parametrize(
    ("live", "settings", "pools", "fooled"),
    [
        ({"cluster-pool-ipv6-cidr": "fd77:1::/104"}, {"podCidrV6": "fd00:9::/104"}, {"fd00:9::/104", "fd77:1::/104"},
         True),
        ({"cluster-pool-ipv6-cidr": "fd00:9::/104 fd77:1::/104"}, {}, {"fd00:9::/104", "fd77:1::/104"}, True),
        ({"cluster-pool-ipv6-cidr": "fd00:9::/104,fd77:1::/104"}, {}, {"fd00:9::/104", "fd77:1::/104"}, True),
        ({"cluster-pool-ipv6-cidr": "fd00:9::/104"}, {}, {"fd00:9::/104"}, False),
        ({"cluster-pool-ipv4-cidr": "10.245.0.0/16 10.99.0.0/16", "cluster-pool-ipv6-cidr": "fd00:9::/104"}, {},
         {"10.99.0.0/16", "fd00:9::/104"}, False),
    ],
)  # fmt: skip
def test_every_pool_of_a_cilium_that_runs_counts_in_both_families(
    live: dict[str, str], settings: dict[str, str], pools: set[str], fooled: bool
) -> None:
    objects = by_manifest(**{METHOD: "interface=eth0", "IP6": "autodetect", METHOD_V6: "cidr=fd77::/16"})
    snapshot = cluster(objects, cilium_config={**TWO, **live}, **nodes())
    config = parse_config({"phase": "secondary", "cilium": settings})
    cilium = Context(config=config, snapshot=snapshot, source=describe(snapshot)).cilium
    assert {"10.245.0.0/16", *pools} == set(cilium.every_pool)
    assert fooled_families(describe(snapshot), pools=cilium.every_pool) == ((6,) if fooled else ())
    told = [("cilium.podCidr", cilium.installed_pool), ("cilium.podCidrV6", cilium.installed_pool_v6)]
    assert [each.path for each in contradictions(cilium)] == [
        path for (path, installed), chosen in zip(told, cilium.pools, strict=True) if installed != chosen
    ]


def of_version(tag: str, **variables: str) -> list[Object]:
    def change(item: Object) -> None:
        for each in item["spec"]["template"]["spec"]["containers"]:
            each["image"] = f"registry.example/calico/node:{tag}"

    return changed(by_manifest(**variables), "DaemonSet", change)


@pytest.mark.parametrize(
    ("tag", "method", "severities"),
    [
        ("v3.19.1", "first-found", [Severity.BLOCKER]), ("v3.8.2", "cidr=10.0.0.0/8", [Severity.BLOCKER]),
        ("v3.21.4-rancher1", "interface=.*", [Severity.BLOCKER]), ("v3.22.0", "first-found", [Severity.NOTE]),
        ("v4.0.0", "first-found", [Severity.NOTE]), ("latest", "first-found", [Severity.NOTE]),
        ("v3.19.1", "interface=eth0", []), ("v3.19.1", "can-reach=198.51.100.7", []),
    ],
)  # fmt: skip
def test_a_calico_that_does_not_know_the_method_is_upgraded_first(
    tag: str, method: str, severities: list[Severity]
) -> None:
    lines = found(cluster(of_version(tag, **{METHOD: method}), **nodes()))
    assert [severity for severity, _ in lines] == severities
    if severities == [Severity.BLOCKER]:
        assert "knows that since 3.22 alone" in lines[0][1]


def test_the_versions_of_calico_enterprise_are_others() -> None:
    def change(item: Object) -> None:
        item["spec"]["template"]["spec"]["containers"][0]["image"] = "quay.io/tigera/cnx-node:v3.15.1"

    ((severity, _),) = found(cluster(changed(by_manifest(), "DaemonSet", change), **nodes()))
    assert severity is Severity.NOTE


def test_a_method_that_became_wider_after_cilium_came_is_moved_by_the_next_run() -> None:
    later = cluster(by_manifest(**{METHOD: "first-found"}), cilium_config=LIVE, **nodes())
    ((severity, evidence),) = found(later)
    assert severity is Severity.WARNING
    assert "now that Cilium's interfaces are there" in evidence
    assert not found(later, phase="preflight")
    assert not found(cluster(by_manifest(**{METHOD: "interface=eth0"}), cilium_config=LIVE, **nodes()))


def test_agents_of_windows_nodes_are_not_asked_how_they_find_their_address() -> None:
    moved = changed(
        operator(pool("192.168.0.0/16", vxlanMode="Always")),
        "DaemonSet",
        environment(IP_AUTODETECTION_METHOD="kubernetes-internal-ip"),
    )
    (windows,) = (each for each in calico("calico-vxlan") if each["kind"] == "DaemonSet")
    owner: dict[str, Any] = {
        "apiVersion": "operator.tigera.io/v1",
        "kind": "Installation",
        "name": "default",
        "uid": "1",
    }
    windows["metadata"] = {"name": "calico-node-windows", "namespace": "calico-system", "ownerReferences": [owner]}
    windows["spec"]["template"]["spec"]["nodeSelector"] = {"kubernetes.io/os": "windows"}
    snapshot = cluster([windows, *prepared(moved, "Installation")], cilium_config=LIVE, **nodes())
    assert not found(snapshot)


def test_a_method_that_was_moved_is_told_as_it_was_though_it_stood_elsewhere() -> None:
    def note(item: Object) -> None:
        item["metadata"].setdefault("annotations", {})[BEFORE] = json.dumps({METHOD: {"name": METHOD, **SECRET}})

    objects = changed(by_manifest(**{METHOD: "kubernetes-internal-ip"}), "DaemonSet", note)
    assert described(*objects).autodetection == f"not readable: {METHOD} comes from elsewhere"


def test_what_calico_reaches_out_for_is_never_in_the_pool() -> None:
    snapshot = cluster(by_manifest(**{METHOD: "can-reach=10.245.0.1"}), **nodes())
    context = Context(config=parse_config({"phase": "secondary"}), snapshot=snapshot, source=describe(snapshot))
    assert context.cilium.pod_cidr == "10.246.0.0/16"
    assert not found(snapshot)
    wished = found(snapshot, phase="secondary", cilium={"podCidr": "10.245.0.0/16"})
    assert [severity for severity, _ in wished] == [Severity.NOTE]
    assert "10.245.0.1 is of Cilium's pool" in wished[0][1]


def test_a_family_that_cilium_has_no_pool_of_cannot_be_taken() -> None:
    """Agents that look for IPv6 addresses though no pod has one."""
    both = by_manifest(**{METHOD: "interface=eth0", "IP6": "autodetect", METHOD_V6: "first-found"})
    v4 = [each for each in both if each["metadata"]["name"] != "default-ipv6-ippool"]
    assert described(*v4).autodetection_v6 == "first-found"
    assert not found(cluster(v4, **nodes(v6="2001:db8::{}/64")))
    assert not found(cluster(prepared(v4), cilium_config=LIVE, **nodes()))
    assert found(cluster(both, **nodes(v6="2001:db8::{}/64")))


@pytest.mark.parametrize(
    ("setting", "method"),
    [(None, ""), ({"firstFound": True}, "first-found"), ({"cidrs": ["fd00::/8"]}, "cidr=fd00::/8")],
)
def test_an_operator_looks_for_ipv6_addresses_where_it_is_told_to(setting: Object | None, method: str) -> None:
    settings = {"nodeAddressAutodetectionV6": setting} if setting else {}
    six = pool("fd00:244::/56", "default-ipv6-ippool", vxlanMode="Always")
    assert described(*operator(pool("192.168.0.0/16"), six, **settings)).autodetection_v6 == method

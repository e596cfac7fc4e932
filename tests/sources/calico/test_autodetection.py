"""Calico's ways of finding a node's address: which come upon an interface of Cilium's, and when they can be moved."""

import json
from dataclasses import replace
from typing import Any

import pytest

from components.checks import Context, Severity
from components.checks.network.autodetection import autodetection
from components.operations.cluster_api.api import Cluster
from components.operations.deadline import OperationError
from components.operations.progress import Progress
from components.operations.snapshot import Snapshot
from components.sources import SourceDescription, describe, fooled_families
from components.sources.calico.moved_autodetection import (
    ADDRESS,
    ADDRESS_V6,
    BEFORE,
    InDaemonSet,
    prepare_autodetection,
)
from stacks.config import parse_config
from tests.builders import make_node, make_snapshot
from tests.sources.clusters import V6
from tests.sources.making_clusters import VXLAN
from tests.sources.upstream import Object, calico, changed, environment, operator, pool

POOLS = ("10.245.0.0/16", "fd00:10:245::/56")
METHOD, METHOD_V6 = "IP_AUTODETECTION_METHOD", "IP6_AUTODETECTION_METHOD"


def by_manifest(**values: str | Object) -> list[Object]:
    plain = {name: value for name, value in values.items() if isinstance(value, str)}
    referred = [{"name": name, **value} for name, value in values.items() if not isinstance(value, str)]

    def refer(item: Object) -> None:
        (container,) = item["spec"]["template"]["spec"]["containers"]
        names = {each["name"] for each in referred}
        container["env"] = [*referred, *(each for each in container["env"] if each["name"] not in names)]

    objects = [*calico("calico-vxlan"), VXLAN, pool(V6, "default-ipv6-ippool", vxlanMode="Always")]
    return changed(changed(objects, "DaemonSet", environment(**plain)), "DaemonSet", refer)


def cluster(objects: list[Object], **fields: Any) -> Snapshot:
    kinds: dict[str, list[Object]] = {}
    for each in objects:
        kinds.setdefault(each["kind"], []).append(each)
    plain = {"DaemonSet", "ConfigMap"}
    return make_snapshot(
        daemon_sets=tuple(kinds.get("DaemonSet", ())),
        config_maps=tuple(kinds.get("ConfigMap", ())),
        calico={kind: tuple(items) for kind, items in kinds.items() if kind not in plain},
        **fields,
    )


def described(*objects: Object) -> SourceDescription:
    return describe(cluster(list(objects)))


NODE_IP = {"valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}}}
SECRET = {"valueFrom": {"secretKeyRef": {"name": "calico", "key": "method"}}}


def nodes(*, v4: str = "172.30.0.{}/24", v6: str = "", internal: tuple[str, ...] = ("172.30.0.{}",)) -> dict[str, Any]:
    """Three nodes; `{}` is each one's number."""
    made = []
    for number in (1, 2, 3):
        told = {ADDRESS: v4.format(number), ADDRESS_V6: v6.format(number)}
        made.append(
            make_node(
                f"worker-{number}",
                annotations={key: value for key, value in told.items() if value},
                internal_addresses=tuple(each.format(number) for each in internal),
            )
        )
    return {"nodes": tuple(made)}


def found(snapshot: Snapshot, **settings: Any) -> list[tuple[Severity, str]]:
    config = parse_config(settings or {"phase": "secondary"})
    context = Context(config=config, snapshot=snapshot, source=describe(snapshot))
    return [(each.severity or autodetection.severity, each.evidence) for each in autodetection.find(context)]


DUAL = {"IP6": "autodetect", METHOD: "interface=eth0"}
BOTH = ("172.30.0.{}", "2001:db8::{}")


def test_a_network_around_the_chosen_pool_is_moved() -> None:
    cidr = by_manifest(**{METHOD: "cidr=10.0.0.0/8"})
    ((severity, evidence),) = found(cluster(cidr, **nodes()))
    assert severity is Severity.NOTE
    assert evidence.startswith("Calico's address detection is 'cidr=10.0.0.0/8'; Cilium's installation moves it")
    assert evidence.endswith("10.0.0.0/8 holds addresses of Cilium's pool")


@pytest.mark.parametrize("wished", ["172.20.0.0/16", "100.64.0.0/16"])
def test_a_pool_outside_of_the_network_leaves_it_as_it_is(wished: str) -> None:
    cidr = cluster(by_manifest(**{METHOD: "cidr=10.0.0.0/8"}), **nodes())
    assert not found(cidr, phase="secondary", cilium={"podCidr": wished, "podCidrV6": "fd00:10:9::/56"})


def test_the_pool_of_a_cilium_that_runs_counts() -> None:
    live = {"cluster-pool-ipv4-cidr": "192.0.2.0/24", "cluster-pool-ipv4-mask-size": "28"}
    snapshot = cluster(by_manifest(**{METHOD: "cidr=192.0.2.0/25"}), cilium_config=live, **nodes())
    config = parse_config({"phase": "secondary", "cilium": {"podCidr": "10.245.0.0/16"}})
    context = Context(config=config, snapshot=snapshot, source=describe(snapshot))
    assert fooled_families(context.source, pools=context.cilium.every_pool) == (4,)


@pytest.mark.parametrize(
    ("v6", "internal", "told"),
    [
        ("2001:db8::{}/64", ("172.30.0.{}",), "none of IPv6 on 3 nodes (worker-1, worker-2, worker-3)"),
        ("", ("172.30.0.{}",), "none of IPv6 on 3 nodes"),
        ("2001:db8::{}/64", ("172.30.0.{}", "2001:db8:1::{}"), "worker-1 (2001:db8::1, not 2001:db8:1::1)"),
        ("2001:db8::{}/64", ("172.30.0.{}", "2001:db8:1::{}", "2001:db8::{}"), "not 2001:db8:1::2"),
    ],
    ids=["v4 InternalIPs alone", "Calico has none either", "another", "the second InternalIP"],
)
def test_what_cannot_succeed_in_the_second_family_is_refused(v6: str, internal: tuple[str, ...], told: str) -> None:
    ((severity, evidence),) = found(cluster(by_manifest(**DUAL), **nodes(v6=v6, internal=internal)))
    assert severity is Severity.BLOCKER
    assert told in evidence
    assert "IPv6" in evidence


def test_the_second_family_moves_where_its_addresses_are_the_same() -> None:
    written_otherwise = ("172.30.0.{}", "2001:0db8:0::{}")
    ((severity, evidence),) = found(
        cluster(by_manifest(**DUAL), **nodes(v6="2001:db8::{}/64", internal=written_otherwise))
    )
    assert severity is Severity.NOTE
    assert "IPv6 address detection is 'first-found'" in evidence


def test_a_second_family_that_is_pinned_has_no_finding() -> None:
    assert not found(cluster(by_manifest(**DUAL, **{METHOD_V6: "interface=eth0"}), **nodes()))


def test_nodes_on_which_calico_is_not_at_work_are_refused() -> None:
    first, *others = nodes()["nodes"]
    silent = cluster(by_manifest(), nodes=(replace(first, annotations={}), *others))
    ((severity, evidence),) = found(silent)
    assert severity is Severity.BLOCKER
    assert evidence.startswith("Calico gave no IPv4 address to 1 node (worker-1)")
    windows = replace(first, annotations={}, labels={"kubernetes.io/os": "windows"})
    assert [each for each, _ in found(cluster(by_manifest(), nodes=(windows, *others)))] == [Severity.NOTE]


def test_addresses_that_calico_keeps_in_etcd_are_refused() -> None:
    ((severity, evidence),) = found(cluster(by_manifest(DATASTORE_TYPE="etcdv3"), **nodes(v4="")))
    assert severity is Severity.BLOCKER
    assert "etcd" in evidence


LIVE = {"cluster-pool-ipv4-cidr": "10.245.0.0/16", "cluster-pool-ipv4-mask-size": "24"}


def prepared(objects: list[Object], kind: str = "DaemonSet") -> list[Object]:
    """The same after phase `secondary` noted how its addresses were found."""
    before = {METHOD: {"name": METHOD, "value": "first-found"}} if kind == "DaemonSet" else {"nodeAddress": None}

    def note(item: Object) -> None:
        item["metadata"].setdefault("annotations", {})[BEFORE] = json.dumps(before)

    return changed(objects, kind, note)


@pytest.mark.parametrize(
    ("method", "told"),
    [
        ("kubernetes-internal-ip", ""), ("interface=eth0", ""), ("cidr=172.30.0.0/16", ""),
        ("first-found", "again"), ("cidr=10.0.0.0/8", "again"), ("interface=.*", "again"),
    ],
)  # fmt: skip
def test_a_setting_that_somebody_set_back_is_refused(method: str, told: str) -> None:
    snapshot = cluster(prepared(by_manifest(**{METHOD: method})), cilium_config=LIVE, **nodes())
    lines = found(snapshot)
    assert [severity for severity, _ in lines] == ([Severity.BLOCKER] if told else [])
    assert all(f"by '{method}' again" in evidence for _, evidence in lines)
    assert not found(snapshot, phase="preflight"), "nothing stands in the way of taking Cilium away again"


def test_an_operators_setting_is_seen_on_its_agents() -> None:
    def objects(method: str) -> list[Object]:
        made = operator(pool("192.168.0.0/16", vxlanMode="Always"))
        return prepared(changed(made, "DaemonSet", environment(IP_AUTODETECTION_METHOD=method)), "Installation")

    assert not found(cluster(objects("kubernetes-internal-ip"), cilium_config=LIVE, **nodes()))
    ((severity, _),) = found(cluster(objects("first-found"), cilium_config=LIVE, **nodes()))
    assert severity is Severity.BLOCKER


def test_where_the_pool_alone_is_in_the_way_another_is_a_way_out() -> None:
    elsewhere = nodes(v4="192.168.7.{}/24")

    def remedies(method: str) -> str:
        snapshot = cluster(by_manifest(**{METHOD: method}), **elsewhere)
        context = Context(config=parse_config({"phase": "secondary"}), snapshot=snapshot, source=describe(snapshot))
        return "".join(each.remedy for each in autodetection.find(context))

    assert "or set cilium.podCidr to a range outside of Calico's cidr=10.0.0.0/8" in remedies("cidr=10.0.0.0/8")
    assert "podCidr" not in remedies("first-found")


class FixedNodes(Cluster):
    """An API server that has nodes and takes no changes."""

    def __init__(self, *internal: str) -> None:
        addresses = [{"type": "InternalIP", "address": each} for each in internal]
        self.nodes = [{"metadata": {"name": "worker-1"}, "status": {"addresses": addresses}}]

    def list(self, path: str, **_parameters: Any) -> list[dict[str, Any]]:
        assert path == "/api/v1/nodes"
        return self.nodes


@pytest.mark.parametrize(
    ("internal", "told"),
    [(("172.30.0.11",), "no InternalIP of IPv6"), (("2001:db8::1",), "no InternalIP of IPv4"), ((), "of IPv4")],
)
def test_no_agent_is_started_anew_where_it_could_not_find_its_address(internal: tuple[str, ...], told: str) -> None:
    way = InDaemonSet(daemon_set=("kube-system", "calico-node"))
    with pytest.raises(OperationError, match=rf"node worker-1 has .*{told}.*nothing was changed"):
        prepare_autodetection(
            FixedNodes(*internal), way, (4, 6), timeout_seconds=1, progress=Progress("Calico", 1)
        )  # fmt: skip


@pytest.mark.parametrize("name", ["calico-node", "node", "felix"])
def test_the_agents_container_is_known_by_its_program(name: str) -> None:
    """Its name is the distributor's; the patch must name the one that is there."""
    item = next(each for each in calico("calico-vxlan") if each["kind"] == "DaemonSet")
    item["spec"]["template"]["spec"]["containers"][0]["name"] = name
    patched: list[Object] = []

    class OneDaemonSet(Cluster):
        def __init__(self) -> None:
            pass

        def get(self, path: str, **query: Any) -> Object:
            return item

        def find(self, path: str, **query: Any) -> Object | None:
            return item

        def patch(self, path: str, body: Object, *, strategic: bool = False) -> Object:
            assert strategic
            patched.append(body)
            item["metadata"].setdefault("annotations", {}).update(body["metadata"]["annotations"])
            return item

    way = InDaemonSet(daemon_set=("kube-system", "calico-node"))
    assert way.change(OneDaemonSet(), (4,))
    assert way.undo(OneDaemonSet())
    names = [each["name"] for body in patched for each in body["spec"]["template"]["spec"]["containers"]]
    assert names == [name, name]

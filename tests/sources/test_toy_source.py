"""A CNI that is described in this file alone: the registry is all that has to know it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from components.checks import CATALOGUE, Context, run_checks
from components.names import NAMESPACE
from components.operations.cluster_api.api import Cluster
from components.operations.removal.source_objects import Belongings
from components.operations.removal.sweep import Sweep
from components.operations.rights.permission_table import Place
from components.operations.rights.permissions import Aims, needs
from components.operations.rights.source_rights import SourceRights
from components.operations.snapshot import Snapshot
from components.operations.source_registry import Kind, OwnObjects
from components.plan import MigrationPlan
from components.sources import SOURCES, describe, source_of
from components.sources.description import SourceDescription
from components.sources.facts.workload import conf_on_nodes, container_with, environment, place, title
from components.sources.interface import Source
from components.sources.observing import Registry, observe
from scripts.rbac.roles import Recipient, roles
from stacks.config import parse_config
from stacks.strategies import DEFAULT
from tests.builders import make_node, make_snapshot
from tests.operations.recording import Recording

Object = dict[str, Any]
GROUP = "nets.example.com"
NETWORKS: Kind = ("ToyNetwork", GROUP, "toynetworks")
AGENTS: Object = {
    "metadata": {"namespace": "toys", "name": "toyd"},
    "spec": {
        "template": {
            "spec": {
                "hostNetwork": True,
                "containers": [
                    {"name": "toyd", "image": "example.com/toyd:v1", "env": [{"name": "NET", "value": "10.7.0.0/16"}]}
                ],
            }
        }
    },
}
NETWORK: Object = {"kind": "ToyNetwork", "metadata": {"name": "all"}, "spec": {"cidr": "10.7.0.0/16"}}


def detect(snapshot: Snapshot) -> list[SourceDescription]:
    return [
        SourceDescription(
            kind="toy", title="Toy", namespace=place(item)[0], daemon_set=place(item)[1], config_map="",
            pod_networks=(environment(item, agent, snapshot)["NET"],), encapsulation="vxlan", udp_port=8472, vni=9,
            interface="toy9", links=("toy9",), conf=conf_on_nodes(snapshot, "toy"), evidence=(title(item),),
        )
        for item in snapshot.daemon_sets if (agent := container_with(item, "toyd"))
    ]  # fmt: skip


def belongings(source: SourceDescription) -> tuple[Belongings, ...]:
    return (Belongings(namespace=source.namespace, daemon_sets=(source.daemon_set,), groups=(GROUP,)),)


def read(cluster: Cluster, _daemon_sets: Sequence[Object]) -> Mapping[str, tuple[Object, ...]]:
    return {"ToyNetwork": tuple(cluster.list(f"/apis/{GROUP}/v1/toynetworks"))}


TOY = Source(
    kind="toy",
    detect=detect,
    belongings=belongings,
    sweep=lambda source: Sweep(links=("toy*",), chains=("TOY-",), conf=("toy",), networks=source.pod_networks),
    outgoing=lambda _snapshot, _source: iter(["Toy has pods seen outside as 192.0.2.7"]),
    own=OwnObjects(kinds=lambda _cluster, _daemon_sets: [NETWORKS], read=read),
    rights=SourceRights(
        kinds=((GROUP, "toynetworks"),),
        removal=((Place.EVERYWHERE, ("apiextensions.k8s.io", "customresourcedefinitions", "list delete")),),
    ),
)


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SOURCES, "toy", TOY)


def snapshot() -> Snapshot:
    nodes = tuple(make_node(f"worker-{number}", pod_cidrs=(f"10.7.{number}.0/24",)) for number in (1, 2))
    return make_snapshot(daemon_sets=(AGENTS,), config_maps=(), nodes=nodes)


def context(**settings: Any) -> Context:
    config = parse_config(settings, source_kinds=SOURCES)
    return Context(config=config, snapshot=snapshot(), source=describe(snapshot(), config.source))


def test_it_is_found_by_itself_and_by_its_kind() -> None:
    assert describe(snapshot()).kind == "toy"
    assert context(source={"kind": "toy"}).source.title == "Toy"


def test_cilium_settles_beside_it() -> None:
    cilium = context().cilium
    assert cilium.tunnel_port != 8472
    assert not any(pool.startswith("10.7.") for pool in cilium.every_pool)


def test_the_plan_migrates_it_node_by_node() -> None:
    seen = context(phase="migrate", waves=[["worker-1"]])
    lines = MigrationPlan(context=seen, findings=()).lines(at_once=16)
    assert any("worker-1 moves to Cilium" in line.text for line in lines), lines
    said = {each.evidence for each in run_checks(CATALOGUE, seen)}
    assert any("Toy has pods seen outside as 192.0.2.7" in each for each in said)


def test_its_objects_are_read_and_it_is_removed_and_swept() -> None:
    cluster = Recording(
        {
            "/apis/apps/v1/namespaces/toys/daemonsets": [AGENTS],
            f"/apis/{GROUP}/v1/toynetworks": [NETWORK],
            "/apis/apiextensions.k8s.io/v1/customresourcedefinitions": [
                {"metadata": {"name": f"toynetworks.{GROUP}"},
                 "spec": {"group": GROUP, "names": {"plural": "toynetworks"}, "versions": []}},
            ],
        }
    )  # fmt: skip
    assert [each["metadata"]["name"] for each in Registry().objects(cluster, ())["ToyNetwork"]] == ["all"]
    seen = describe(observe(cluster, cilium_namespace="kube-system"))
    removed = source_of(seen).remove_objects(cluster, seen, timeout_seconds=1).removed
    assert removed == ("DaemonSet toys/toyd", f"CustomResourceDefinition toynetworks.{GROUP}")
    assert source_of(seen).sweep(seen).arguments[:2] == ["toy*", "TOY-"]
    have = {
        (each.namespace, each.group, each.resource, each.verb)
        for each in needs(
            cilium_namespace="kube-system",
            aims=Aims(removes=True, source=Registry().rights(seen.model_dump()), home="toys"),
            own_kinds=Registry().kinds(cluster, ()),
        )
    }
    assert not {
        each.title
        for each in cluster.asked
        if not have & {(place, each.group, each.resource, each.verb) for place in (each.namespace, "")}
    }


def test_its_rights_are_in_the_roles() -> None:
    recipient = Recipient(subject={"kind": "User", "name": "alice"}, source="toy", home="toys")
    first, last = (json.dumps(roles(phase, recipient)) for phase in (DEFAULT.phases[0], DEFAULT.phases[-1]))
    assert GROUP in first
    assert "customresourcedefinitions" in last
    assert '"namespace": "toys"' in last


def test_a_record_of_it_is_enough_once_it_is_gone() -> None:
    record = {"source": describe(snapshot()).model_dump_json()}
    maps = [{"metadata": {"name": "record", "namespace": NAMESPACE}, "data": record}]
    cluster = Recording({f"/api/v1/namespaces/{NAMESPACE}/configmaps": maps})
    assert describe(observe(cluster, cilium_namespace="kube-system")).kind == "toy"

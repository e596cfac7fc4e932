"""Calico's objects in either of its API groups, or in both, as API servers serve them."""

from collections.abc import Mapping
from typing import Any

import pytest

from components.checks import CATALOGUE, Context, Severity, run_checks
from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError
from components.sources import SourceError, describe
from components.sources.calico.objects import keeps_natively, read_calico, read_kinds
from stacks.config import parse_config
from tests.builders import make_node, make_snapshot
from tests.sources.upstream import calico, calico_object, changed, environment, operator

Object = dict[str, Any]
Kinds = Mapping[str, list[Object] | int]
OLD, NATIVE, OPERATOR = "crd.projectcalico.org/v1", "projectcalico.org/v3", "operator.tigera.io/v1"
API_SERVICE = "/apis/apiregistration.k8s.io/v1/apiservices/v3.projectcalico.org"
POOL: Object = {"metadata": {"name": "pods"}, "spec": {"cidr": "10.50.0.0/16", "ipipMode": "Always"}}
FELIX: Object = {"metadata": {"name": "default"}, "spec": {"bpfEnabled": True}}
ALLOW: Object = {"metadata": {"name": "default.web", "namespace": "shop"}, "spec": {"selector": "app == 'web'"}}
ON_NODES = {"projectcalico.org/IPv4Address": "172.30.0.11/24"}


class Serving(Cluster):
    """An API server by what it serves: of each group the kinds, and of each kind the objects or the refusal."""

    def __init__(self, *, by_a_service: bool = False, **groups: Kinds) -> None:
        versions = {"old": OLD, "native": NATIVE, "operator": OPERATOR}
        self.groups = {versions[group]: dict(kinds) for group, kinds in groups.items()}
        self.by_a_service = by_a_service
        self.asked: list[str] = []

    def get(self, path: str, **_query: Any) -> Object:
        self.asked.append(path)
        if path == API_SERVICE and self.by_a_service:
            return {"spec": {"service": {"namespace": "calico-apiserver", "name": "calico-api"}}}
        group, _, resource = path.removeprefix("/apis/").rpartition("/")
        if path.removeprefix("/apis/") in self.groups:
            kinds = self.groups[path.removeprefix("/apis/")]
            return {"resources": [{"kind": kind, "name": plural(kind)} for kind in kinds]}
        for kind, items in self.groups.get(group, {}).items():
            if plural(kind) == resource:
                if isinstance(items, int):
                    raise ClusterError(f"{path}: no", status=items)
                return {"items": items}
        raise ClusterError(f"{path}: not there", status=404)


def plural(kind: str) -> str:
    return f"{kind.lower()[:-1]}ies" if kind.endswith("Policy") else f"{kind.lower()}s"


def names(cluster: Cluster, kind: str, **how: bool) -> list[str]:
    return [each["metadata"]["name"] for each in read_calico(cluster, **how).get(kind, ())]


def described(objects: list[Object], cluster: Cluster, **fields: Any) -> Any:
    sets = tuple(each for each in objects if each["kind"] == "DaemonSet")
    maps = tuple(each for each in objects if each["kind"] == "ConfigMap")
    found = read_calico(cluster, native=keeps_natively(sets))
    return describe(make_snapshot(daemon_sets=sets, config_maps=maps, calico=found, **fields))


def test_what_is_native_is_read_as_what_is_not() -> None:
    cluster = Serving(native={"IPPool": [POOL], "FelixConfiguration": [FELIX], "NetworkPolicy": [ALLOW], "Profile": []})
    found = described(calico("calico"), cluster)
    assert (found.pod_networks, found.encapsulation, found.dataplane) == (("10.50.0.0/16",), "ipip", "ebpf")
    assert {kind: group for kind, group, _ in read_kinds(cluster)} == dict.fromkeys(
        ("IPPool", "FelixConfiguration", "NetworkPolicy"), "projectcalico.org"
    )
    assert all(each["apiVersion"] == NATIVE for items in read_calico(cluster).values() for each in items)


def test_calicos_own_api_server_shows_the_same_objects_again() -> None:
    kinds: Kinds = {"IPPool": [POOL], "NetworkPolicy": [ALLOW]}
    cluster = Serving(by_a_service=True, old=kinds, native=kinds)
    assert names(cluster, "NetworkPolicy") == ["default.web"]
    assert not [path for path in cluster.asked if path.startswith(f"/apis/{NATIVE}")]


@pytest.mark.parametrize("native", [False, True])
def test_what_both_groups_have_counts_once(native: bool) -> None:
    """A group's name of a policy may have the tier before it."""
    other = {**ALLOW, "metadata": {**ALLOW["metadata"], "name": "web"}}
    cluster = Serving(old={"NetworkPolicy": [ALLOW]}, native={"NetworkPolicy": [other], "IPPool": [POOL]})
    assert names(cluster, "NetworkPolicy", native=native) == [("web" if native else "default.web")]
    assert names(cluster, "IPPool", native=native) == ["pods"]
    assert len(read_kinds(cluster)) == 2


def test_what_only_the_other_group_has_is_there_and_told() -> None:
    more = {"metadata": {"name": "deny-all"}, "spec": {"types": ["Egress"]}}
    cluster = Serving(
        old={"GlobalNetworkPolicy": [], "IPPool": [POOL]}, native={"GlobalNetworkPolicy": [more], "IPPool": [POOL]}
    )
    objects = calico("calico")
    sets = tuple(each for each in objects if each["kind"] == "DaemonSet")
    snapshot = make_snapshot(daemon_sets=sets, calico=read_calico(cluster))
    context = Context(config=parse_config({"phase": "secondary"}), snapshot=snapshot, source=describe(snapshot))
    (found,) = [each for each in run_checks(CATALOGUE, context) if each.check == "calico-groups"]
    assert "GlobalNetworkPolicy deny-all" in found.evidence
    assert found.severity is Severity.WARNING


@pytest.mark.parametrize("status", [403, 404, 503])
def test_the_group_that_calico_does_not_read_may_be_closed(status: int) -> None:
    assert names(Serving(old={"IPPool": [POOL]}, native={"IPPool": status}), "IPPool") == ["pods"]


@pytest.mark.parametrize("native", [False, True])
def test_views_of_kubernetes_own_policies_are_no_policies_of_calicos(native: bool) -> None:
    """Its API server shows them, and with an etcd they are copied to there."""
    views = [f"{prefix}.open" for prefix in ("knp.default", "kcnp.kube-admin", "kanp.adminnetworkpolicy")]
    written = ["default.web", "knpolicy", "security.knp.default.x"]
    items: list[Object] = [{"metadata": {"name": name, "namespace": "shop"}, "spec": {}} for name in views + written]
    kinds: Kinds = {"NetworkPolicy": items, "GlobalNetworkPolicy": [{"metadata": {"name": views[1]}, "spec": {}}]}
    cluster = Serving(native=kinds) if native else Serving(old={"IPPool": [POOL]}, native=kinds)
    assert names(cluster, "NetworkPolicy", native=native) == written
    assert names(cluster, "GlobalNetworkPolicy", native=native) == []


def test_a_server_of_the_other_group_that_is_down_takes_nothing_away() -> None:
    class Down(Serving):
        def get(self, path: str, **query: Any) -> Object:
            if path == f"/apis/{NATIVE}":
                raise ClusterError(f"{path}: no", status=503)
            return super().get(path, **query)

    assert names(Down(old={"IPPool": [POOL]}), "IPPool") == ["pods"]
    with pytest.raises(ClusterError):
        read_calico(Down(old={"IPPool": [POOL]}), native=True)


def test_the_group_that_calico_reads_may_not_be_closed() -> None:
    with pytest.raises(ClusterError):
        read_calico(Serving(native={"IPPool": 403}))


@pytest.mark.parametrize(
    ("variables", "native"),
    [
        ({}, False),
        ({"CALICO_API_GROUP": "projectcalico.org/v3"}, True),
        ({"CALICO_API_GROUP": "crd.projectcalico.org/v1"}, False),
        ({"DATASTORE_TYPE": "etcdv3"}, True),
    ],
)
@pytest.mark.parametrize("name", ["calico-node", "node", "felix"])
def test_the_agents_say_where_their_settings_are(variables: dict[str, str], native: bool, name: str) -> None:
    """Whatever their container is called."""

    def rename(item: Object) -> None:
        item["spec"]["template"]["spec"]["containers"][0]["name"] = name

    objects = changed(changed(calico("calico"), "DaemonSet", environment(**variables)), "DaemonSet", rename)
    assert keeps_natively([each for each in objects if each["kind"] == "DaemonSet"]) is native


def test_where_both_differ_the_agents_group_counts() -> None:
    leftover = {**FELIX, "spec": {"bpfEnabled": False}}
    cluster = Serving(
        old={"FelixConfiguration": [leftover], "IPPool": [POOL]}, native={"FelixConfiguration": [FELIX], "IPPool": []}
    )
    objects = changed(calico("calico"), "DaemonSet", environment(CALICO_API_GROUP="projectcalico.org/v3"))
    assert described(objects, cluster).dataplane == "ebpf"
    assert described(calico("calico"), cluster).dataplane == "iptables"


def test_what_an_etcd_left_behind_in_kubernetes_is_not_what_calico_heeds() -> None:
    stale: Kinds = {"IPPool": [POOL], "FelixConfiguration": [FELIX], "NetworkPolicy": [ALLOW]}
    in_etcd = changed(calico("calico-etcd"), "DaemonSet", environment(CALICO_IPV4POOL_CIDR="10.48.0.0/16"))
    assert described(in_etcd, Serving(old=stale)).pod_networks == ("10.48.0.0/16",), "it never ran"
    assert read_calico(Serving(old=stale), native=True)["NetworkPolicy"] == ()
    ready = changed(in_etcd, "DaemonSet", lambda item: item.update(status={"numberReady": 2}))
    with pytest.raises(SourceError, match="are they in an etcd of its own"):
        described(ready, Serving(old=stale))
    shown = Serving(by_a_service=True, old=stale, native={"IPPool": [{**POOL, "spec": {"cidr": "10.49.0.0/16"}}]})
    assert described(ready, shown).pod_networks == ("10.49.0.0/16",)


INSTALLATION = next(each for each in operator() if each["kind"] == "Installation")
SERVED: Kinds = {"IPPool": [], "FelixConfiguration": []}


@pytest.mark.parametrize(
    ("objects", "cluster", "fields"),
    [
        (operator(), Serving(operator={"Installation": [INSTALLATION]}), {}),
        (calico("calico-vxlan"), Serving(), {}),
        (operator(), Serving(operator={"Installation": [INSTALLATION]}, old=SERVED),
         {"nodes": (make_node("worker-1", annotations=ON_NODES),)}),
        (calico("canal"), Serving(old=SERVED), {"nodes": (make_node("worker-1", annotations=ON_NODES),)}),
        (changed(calico("calico-etcd"), "DaemonSet", environment(CALICO_IPV4POOL_CIDR="10.48.0.0/16")), Serving(), {}),
        (changed(calico("canal"), "DaemonSet", lambda item: item.update(status={"numberReady": 3})), Serving(), {}),
    ],
    ids=["operator-no-groups", "manifest-no-groups", "operator-no-objects", "canal-no-objects", "etcd", "canal-ready"],
)  # fmt: skip
def test_a_calico_without_readable_settings_is_refused(
    objects: list[Object], cluster: Cluster, fields: dict[str, Any]
) -> None:
    with pytest.raises(SourceError, match="the API has no IPPool and no FelixConfiguration") as caught:
        described(objects, cluster, **fields)
    assert "\n" not in str(caught.value)


def test_a_calico_that_never_ran_is_described_by_its_installation() -> None:
    cluster = Serving(operator={"Installation": [INSTALLATION]}, old=SERVED)
    assert described(operator(), cluster).pod_networks == ("192.168.0.0/16",)


def test_what_the_old_engine_is_told_meanwhile_is_of_the_group_that_it_reads() -> None:
    policy = calico_object(
        "GlobalNetworkPolicy", "web", types=["Ingress"],
        ingress=[{"action": "Allow", "source": {"selector": "app == 'web'"}}],
    )  # fmt: skip
    for version in (OLD, NATIVE):
        served: Kinds = {"IPPool": [POOL], "GlobalNetworkPolicy": [{**policy, "apiVersion": version}]}
        cluster = Serving(old=served) if version == OLD else Serving(native=served)
        sets = tuple(each for each in calico("calico") if each["kind"] == "DaemonSet")
        snapshot = make_snapshot(daemon_sets=sets, calico=read_calico(cluster))
        context = Context(config=parse_config({"phase": "secondary"}), snapshot=snapshot, source=describe(snapshot))
        assert [each["apiVersion"] for each in context.policies.old_side] == [version]


@pytest.mark.parametrize("first", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("manifest", ["calico-vxlan", "operator", "canal"])
def test_calicos_driver_for_volumes_is_no_second_calico(manifest: str, first: bool) -> None:
    objects = operator() if manifest == "operator" else calico(manifest)
    driver = next(each for each in calico("csi-driver") if each["kind"] == "DaemonSet")
    namespace = next(each["metadata"]["namespace"] for each in objects if each["kind"] == "DaemonSet")
    driver["metadata"] |= {"namespace": namespace, "name": "a" if first else "z"}
    owners = [{"apiVersion": "operator.tigera.io/v1", "kind": "Installation", "name": "default", "uid": "1"}]
    driver["metadata"] |= {"ownerReferences": owners} if manifest == "operator" else {}
    installations = [each for each in objects if each["kind"] == "Installation"]
    settings: Kinds = {"IPPool": [POOL], "FelixConfiguration": [FELIX]}
    cluster = (
        Serving(old=settings, operator={"Installation": installations}) if installations else Serving(old=settings)
    )
    found = described([driver, *objects] if first else [*objects, driver], cluster)
    assert found.daemon_set == ("canal" if manifest == "canal" else "calico-node")


@pytest.mark.parametrize(
    "image",
    [
        "registry.example/rancher/mirrored-calico-node:v3.30.3",
        "quay.example/tigera/cnx-node:v3.21",
        "calico/node@sha256:0",
    ],
)
def test_calicos_agent_is_known_by_its_program_whatever_registry_it_is_from(image: str) -> None:
    def change(item: Object) -> None:
        item["spec"]["template"]["spec"]["containers"][0]["image"] = image

    objects = changed(calico("calico-vxlan"), "DaemonSet", change)
    cluster = Serving(old={"IPPool": [POOL], "FelixConfiguration": [FELIX]})
    assert described(objects, cluster).daemon_set == "calico-node"

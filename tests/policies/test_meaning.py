"""Policies with the verdict translated or unchanged let through exactly the traffic that the old engine did."""

from dataclasses import replace

from hypothesis import HealthCheck, given, settings

from stacks.addresses import Entry, Kind, Register, networks_of
from stacks.policies import Inventory, Surroundings, Verdict, take_inventory
from tests.policies.oracle import matrix
from tests.policies.oracle.generated import LOCAL_DNS, NODES, SPACES, TRAFFIC, orderly, to_networks, worlds
from tests.policies.oracle.reference import POD_NETWORK, Calico, End, Object, Traffic, World
from tests.policies.oracle.reference_cilium import Cilium

SITE = Surroundings(
    pod_networks=(POD_NETWORK,),
    node_addresses={each.name: (each.address,) for each in NODES},
    namespaces=SPACES,
    engine="Calico",
    calico=True,
)


def inventory_of(world: World) -> Inventory:
    return take_inventory(kubernetes_policies=world.kubernetes, calico_objects=world.calico, surroundings=SITE)


WITH_LOCAL_DNS = replace(
    SITE,
    addresses=Register(
        Entry(network=each, kind=Kind.LOCAL_DNS, user="NodeLocal DNS") for each in networks_of(LOCAL_DNS.address)
    ),
)


def disagreements(world: World, found: Inventory) -> list[str]:
    """Each connection that one engine would let through and the other would not, pods of lost policies left out."""
    before, after = Calico(world), Cilium(world, found.manifests)
    lost = {each.name for each in found.of(Verdict.LOST)}
    told = []
    for pod in world.pods:
        if any(each["title"] in lost and before.selects(each, pod) for each in before.policies):
            continue
        for direction in ("ingress", "egress"):
            for other in world.ends:
                for traffic in TRAFFIC:
                    was = before.allows(pod, direction, other, traffic)
                    if other is not pod and was != after.allows(pod, direction, other, traffic):
                        told.append(f"{direction} of {pod.name} with {other.name}, {traffic}: {was} before")
    return told


_many = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@_many
@given(orderly())
def test_what_is_translated_is_read_in_the_same_order(world: World) -> None:
    assert disagreements(world, inventory_of(world)) == []


@_many
@given(worlds())
def test_what_is_translated_means_the_same(world: World) -> None:
    assert disagreements(world, inventory_of(world)) == []


@_many
@given(to_networks())
def test_who_could_ask_the_name_server_of_their_node_still_can(world: World) -> None:
    found = take_inventory(
        kubernetes_policies=world.kubernetes, calico_objects=world.calico, surroundings=WITH_LOCAL_DNS
    )  # fmt: skip
    before, after = Calico(world), Cilium(world, found.manifests)
    lost = {each.name for each in found.of(Verdict.LOST)}
    asks = Traffic("UDP", 53)
    for pod in world.pods:
        if not any(each["title"] in lost and before.selects(each, pod) for each in before.policies):
            could = before.allows(pod, "egress", LOCAL_DNS, asks)
            assert not could or after.allows(pod, "egress", LOCAL_DNS, asks)


def test_the_matrix_is_what_both_engines_are_said_to_do() -> None:
    """The lab's measurements agree with the models, which ties the models to real engines."""
    pods = {
        app.name: End(
            name=app.name, kind="pod", address=f"10.244.1.{number}", namespace=app.namespace,
            labels={"app": app.name, "role": app.role},
        )
        for number, app in enumerate(matrix.APPS.values(), 10)
    }  # fmt: skip
    outside = End(name=matrix.OUTSIDE, kind="world", address=matrix.OUTSIDE)
    world = World(
        ends=[*pods.values(), outside, *NODES], namespaces=matrix.SPACES, kubernetes=matrix.KUBERNETES,
        calico={kind: [_short(each) for each in items] for kind, items in matrix.CALICO.items()},
    )  # fmt: skip
    site = replace(SITE, namespaces=matrix.SPACES)
    found = take_inventory(
        kubernetes_policies=world.kubernetes, calico_objects=world.calico, surroundings=site
    )  # fmt: skip
    assert found.of(Verdict.LOST) == []
    for engine in (Calico(world), Cilium(world, found.manifests)):
        for probe in matrix.PROBES:
            source, target = pods[probe.source], pods.get(probe.to, outside)
            traffic = Traffic("TCP", probe.port)
            through = engine.allows(source, "egress", target, traffic)
            if target.kind == "pod":
                through = through and engine.allows(target, "ingress", source, traffic)
            assert through is probe.allowed, (engine, probe)


def _short(item: Object) -> Object:
    metadata = {**item["metadata"], "name": item["metadata"]["name"].removeprefix("default.")}
    return {**item, "metadata": metadata}

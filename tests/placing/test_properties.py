"""Properties of every generated world, however pods are placed in it."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from components.operations.objects.model import Pod
from components.operations.placing.cluster_model import World
from components.operations.placing.fitting import find_place
from components.operations.placing.needed_objects import Supplies
from components.operations.placing.obstacles import Kind
from components.operations.placing.prediction import Outlook, look_ahead
from tests.placing.generated_worlds import NAMESPACES, SKETCH, Sketch, nodes_of, pod_of, pods_of
from tests.placing.manifests import HOST, apart, node, pod, world_of

NOTHING = Supplies()


def made(sketch: Sketch) -> tuple[World, list[Pod]]:
    """The world, and the pods of its first node, the one that looks for a place among them."""
    items = [*pods_of(0, sketch), pod_of(0, "w0", sketch.incoming, on="w0-n0")]
    for item in items:
        item["spec"].pop("volumes", None)
    items[-1]["spec"] |= {"topologySpreadConstraints": [], "nodeSelector": sketch.incoming["selector"]}
    world = world_of(nodes_of(0, sketch), items, NAMESPACES)
    return world, [each for each in map(Pod.read, items) if each.node == "w0-n0"]


def picture(world: World) -> object:
    """Everything that a world says of its nodes."""
    names = ("cpu", "example.org/gpu")
    return [
        (
            each.name,
            {pod.uid for pod in world.on(each.name)},
            [world.used(each.name, name) for name in names],
            world.cordoned(each),
        )
        for each in world.offers
    ]


def drained(world: World, pods: Sequence[Pod]) -> list[Outlook]:
    return look_ahead(pods, moving=["w0-n0"], world=world, supplies=NOTHING)


@given(SKETCH)
def test_looking_ahead_leaves_the_world_as_it_was_and_judges_each_pod_once(sketch: Sketch) -> None:
    world, pods = made(sketch)
    before = picture(world)
    found = drained(world, pods)
    assert picture(world) == before
    assert sorted(each.pod.uid for each in found) == sorted(pod.uid for pod in pods)
    assert drained(world, pods) == found


@given(SKETCH)
def test_no_more_is_placed_on_a_node_than_there_is_room_for(sketch: Sketch) -> None:
    world, pods = made(sketch)
    placed = [each for each in drained(world, pods) if each.verdict and each.verdict.node and not each.verdict.preempts]
    for offer in world.offers:
        new = [each.pod for each in placed if each.verdict and each.verdict.node == offer.name]
        there = [each for each in world.on(offer.name) if each.uid not in {pod.uid for pod in pods}]
        cores = sum(each.demand.amounts.get("cpu", 0) for each in (*new, *there))
        assert offer.room
        if any(each.demand.amounts.get("cpu", 0) for each in new):
            assert cores <= offer.room["cpu"]
        assert not new or len(new) + len(there) <= offer.room["pods"]


@given(SKETCH)
def test_where_one_pod_alone_finds_no_place_no_node_is_left_out_of_the_reasons(sketch: Sketch) -> None:
    world, pods = made(sketch)
    for each in drained(world, pods):
        if each.verdict and each.verdict.in_the_way is not None:
            assert set(each.verdict.in_the_way) == {offer.name for offer in world.offers}
            assert all(each.verdict.in_the_way.values())


@given(SKETCH)
def test_one_more_large_node_like_none_takes_a_pod_that_only_lacked_room(sketch: Sketch) -> None:
    world, pods = made(sketch)
    for each in drained(world, pods):
        kinds = each.verdict.kinds if each.verdict else set()
        if Kind.LACKING in kinds and kinds <= {Kind.LACKING, Kind.PODS, Kind.MOVING, Kind.CORDONED}:
            plain = replace(world.offers[0], name="new", labels={"disk": "ssd"}, taints=(), cordoned=False,
                            room={"cpu": 9000, "pods": 99, "example.org/gpu": 9})  # fmt: skip
            if each.pod.demand.chooses("new", plain.labels) and not each.pod.demand.affinity:
                others = [other for offer in world.offers for other in world.on(offer.name) if other not in pods]
                larger = World.of([*world.offers, plain], others, NAMESPACES)
                larger.moving = ["w0-n0"]
                assert find_place(each.pod, larger, NOTHING).node


@settings(max_examples=20)
@given(st.permutations(range(3)))
def test_pods_that_exclude_each_other_fill_nodes_in_any_order(order: list[int]) -> None:
    items = [pod(f"web-{number}", "w-0", affinity=apart("web")) for number in range(3)]
    pods = [Pod.read(items[number]) for number in order]
    for free in range(4):
        nodes = [node("w-0"), *(node(f"w-{number + 1}", labels={HOST: f"w-{number + 1}"}) for number in range(free))]
        found = look_ahead(pods, moving=["w-0"], world=world_of(nodes, items), supplies=NOTHING)
        assert sum(bool(each.verdict and each.verdict.node) for each in found) == free


def test_who_must_be_near_another_is_placed_after_it_whatever_their_order() -> None:
    names = ("a", "b", "c")
    for order in permutations(names):
        chain = [
            pod(f"{name}-1", "w-0", app=name, affinity={"podAffinity": _after(names, name)} if name != "a" else {})
            for name in order
        ]
        world = world_of([node("w-0"), node("w-1"), node("w-2")], chain)
        found = look_ahead([Pod.read(each) for each in chain], moving=["w-0"], world=world, supplies=NOTHING)
        assert len({each.verdict.node for each in found if each.verdict}) == 1
        assert all(each.verdict and each.verdict.node for each in found)


def _after(names: Sequence[str], name: str) -> dict[str, object]:
    before = names[names.index(name) - 1]
    term = {"topologyKey": HOST, "labelSelector": {"matchLabels": {"app": before}}}
    return {"requiredDuringSchedulingIgnoredDuringExecution": [term]}

"""Which nodes take a pod and what the others have against it: the real scheduler is asked, world by generated world."""

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from components.operations.cluster_api.api import Cluster
from components.operations.objects.model import Pod
from components.operations.placing.cluster_model import World
from components.operations.placing.fitting import find_place
from components.operations.placing.needed_objects import Claim, Supplies, Volume, read_volume_limits
from components.operations.placing.obstacles import Kind
from scripts.lab.simulated.control_plane import ControlPlane
from scripts.lab.simulated.processes import Processes
from tests.placing.generated_worlds import (
    NAMESPACES,
    WORLDS,
    Sketch,
    attachers_of,
    disks_of,
    nodes_of,
    pod_of,
    pods_of,
    sketches,
)
from tests.placing.manifests import Object, world_of

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(600)]
REASONS = 8
# Of the scheduler's message, beside `Insufficient RESOURCE`.
THEIRS = {
    Kind.CORDONED: "node(s) were unschedulable",
    Kind.TAINT: "node(s) had untolerated taint(s)",
    Kind.NOT_CHOSEN: "node(s) didn't match Pod's node affinity/selector",
    Kind.PORT: "node(s) didn't have free ports for the requested pod ports",
    Kind.PODS: "Too many pods",
    Kind.VOLUME_USED: "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already "
    "in-use by another pod",
    Kind.VOLUME_LIMIT: "node(s) exceed max volume count",
    Kind.VOLUME_PLACE: "node(s) didn't match PersistentVolume's node affinity",
    Kind.VOLUME_ZONE: "node(s) had no available volume zone",
    Kind.NO_DOMAIN: "node(s) didn't match pod topology spread constraints (missing required label)",
    Kind.SPREAD: "node(s) didn't match pod topology spread constraints",
    Kind.AFFINITY: "node(s) didn't match pod affinity rules",
    Kind.ANTI_AFFINITY: "node(s) didn't match pod anti-affinity rules",
    Kind.EXCLUDED: "node(s) didn't satisfy existing pods anti-affinity rules",
}


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    with ControlPlane() as running:
        assert running.folder
        Processes(running.folder / "processes").stop("kube-controller-manager")
        yield running


def make(cluster: Cluster, number: int, sketch: Sketch) -> None:
    for volume, claim in disks_of(number, sketch):
        cluster.create("/api/v1/persistentvolumes", volume)
        cluster.create(f"/api/v1/namespaces/{claim['metadata']['namespace']}/persistentvolumeclaims", claim)
    for item in attachers_of(number, sketch):
        cluster.create("/apis/storage.k8s.io/v1/csinodes", item)
    for item in nodes_of(number, sketch):
        cluster.create("/api/v1/nodes", item)
        path = f"/api/v1/nodes/{item['metadata']['name']}"
        cluster.patch(path, {"spec": {"taints": item["spec"]["taints"]}})  # without the one of a node that is new
        cluster.patch(f"{path}/status", {"status": item["status"]})
    for item in pods_of(number, sketch):
        created = cluster.create(f"/api/v1/namespaces/{item['metadata']['namespace']}/pods", item)
        assert created["spec"]["nodeName"]


def ask_scheduler(plane: ControlPlane, cluster: Cluster, asked: list[Object]) -> dict[str, Object]:
    """Each pod that looks for a place, as the scheduler left it."""
    assert plane.folder
    processes = Processes(plane.folder / "processes")
    flags = ("--leader-elect=false", "--secure-port=0", "--kube-api-qps=1000", "--kube-api-burst=2000")
    program = str(plane.kubectl_binary.parent / "kube-scheduler")
    processes.start("kube-scheduler", [program, f"--kubeconfig={plane.kubeconfig}", *flags])
    try:
        end = time.monotonic() + 120
        while True:
            found = {each["metadata"]["name"]: each for each in cluster.list("/api/v1/pods", labelSelector="asks=yes")}
            done = [each for each in found.values() if each["spec"].get("nodeName") or _message(each)]
            if len(done) == len(asked):
                return found
            assert time.monotonic() < end, f"{len(done)} of {len(asked)} pods were looked at"
            time.sleep(0.3)
    finally:
        processes.stop("kube-scheduler")


def _message(item: Object) -> str:
    conditions = item.get("status", {}).get("conditions", [])
    return next((each["message"] for each in conditions if each["type"] == "PodScheduled" and "message" in each), "")


def theirs(message: str) -> Counter[str]:
    """The number of nodes that are out for each reason."""
    text = message.partition("nodes are available: ")[2].partition(" preemption:")[0].partition(". ")[0]
    parts = (part.strip().rstrip(".").partition(" ") for part in text.split(", "))
    return Counter({reason: int(number) for number, _, reason in parts})


def supplies_of(sketch_of: Mapping[int, Sketch]) -> Supplies:
    pairs = [pair for each in sketch_of.items() for pair in disks_of(*each)]
    volumes = [Volume.read(volume) for volume, _ in pairs]
    claims = [Claim.read(claim) for _, claim in pairs]
    return Supplies(
        claims={(each.namespace, each.name): each for each in claims},
        volumes={each.name: each for each in volumes},
        classes={},
        volume_limits=dict(read_volume_limits(item) for each in sketch_of.items() for item in attachers_of(*each)),
    )


def ours(world: World, supplies: Supplies, incoming: Object) -> tuple[str, Counter[str]]:
    verdict = find_place(Pod.read(incoming), world, supplies)
    assert not verdict.not_known
    assert not verdict.refused
    reasons = Counter(
        f"Insufficient {each.detail}" if each.kind is Kind.LACKING else THEIRS[each.kind]
        for found in (verdict.in_the_way or {}).values()
        for each in found
    )
    return verdict.node, reasons


def test_our_verdict_is_the_schedulers(plane: ControlPlane) -> None:
    cluster, worlds = Cluster(kubeconfig=str(plane.kubeconfig)), sketches()
    for name, labels in NAMESPACES.items():
        cluster.create("/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}})
        cluster.create(f"/api/v1/namespaces/{name}/serviceaccounts", {"metadata": {"name": "default"}})
    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(lambda pair: make(cluster, *pair), enumerate(worlds)))
    asked = []
    for number, sketch in enumerate(worlds):
        item = pod_of(number, f"w{number}", sketch.incoming)
        item["metadata"]["labels"]["asks"] = "yes"
        item["spec"].pop("nodeName")
        asked.append(item)
    with ThreadPoolExecutor(max_workers=8) as pool:
        list(
            pool.map(
                lambda item: cluster.create(f"/api/v1/namespaces/{item['metadata']['namespace']}/pods", item), asked
            )
        )
    answers = ask_scheduler(plane, cluster, asked)
    everywhere = list(enumerate(worlds))
    world = world_of(
        [item for pair in everywhere for item in nodes_of(*pair)],
        [item for pair in everywhere for item in pods_of(*pair)],
        NAMESPACES,
    )
    supplies = supplies_of(dict(everywhere))
    differ, placed, seen = list[tuple[Sketch, str, object]](), 0, set[str]()
    for sketch, item in zip(worlds, asked, strict=True):
        answer = answers[item["metadata"]["name"]]
        node, reasons = ours(world, supplies, item)
        seen |= reasons.keys()
        if answer["spec"].get("nodeName"):
            placed += 1
            if not node:
                differ.append((sketch, answer["spec"]["nodeName"], reasons))
        elif node or reasons != theirs(_message(answer)):
            differ.append((sketch, _message(answer), node or reasons))
    lines = [f"{json.dumps(each.__dict__)}\n  scheduler: {their}\n  ours: {our}" for each, their, our in differ[:3]]
    assert not differ, f"{len(differ)} of {len(worlds)} worlds differ:\n" + "\n".join(lines)
    # The oracle is only worth as much as what it was asked.
    assert len(seen) >= REASONS
    assert WORLDS / 8 < placed < WORLDS * 7 / 8

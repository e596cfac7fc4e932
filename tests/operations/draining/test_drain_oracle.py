"""Which pods a drain evicts, leaves and refuses: kubectl of the same version is asked, node by generated node."""

import re
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from components.operations.cluster_api.api import Cluster
from components.operations.draining.drain import existing_daemon_sets, pods_on
from components.operations.draining.drain_plan import Left, plan_drain
from scripts.lab.simulated.control_plane import ControlPlane
from stacks.sections.node import DrainSettings
from tests.sampling import exhaustive

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(600)]

BATCHES, NODES_A_BATCH = 60 if exhaustive() else 20, 10
NODES = BATCHES * NODES_A_BATCH
NAMESPACES = ("oracle-a", "oracle-b", "oracle-c")
SKIP_SECONDS = 1
Object = dict[str, object]

# Kind, apiVersion and name of a pod's controller; the DaemonSets `missing` and of other projects do not exist.
OWNERS = (
    None,
    ("ReplicaSet", "apps/v1", "web-5d4f"),
    ("StatefulSet", "apps/v1", "store"),
    ("Job", "batch/v1", "backup"),
    ("ReplicationController", "v1", "old"),
    ("DaemonSet", "apps/v1", "missing"),
    ("DaemonSet", "apps.kruise.io/v1alpha1", "agent"),
    ("DaemonSet", "apps.kruise.io/v1alpha1", "missing"),
    ("Node", "v1", "some-node"),
    ("Rollout", "argoproj.io/v1alpha1", "canary"),
)
EXISTING = ("DaemonSet", "apps/v1", "agent")
SELECTORS = (
    "",
    "tier=web",
    "tier==web",
    "tier!=web",
    "tier in (web, store)",
    "tier notin (web,store),!keep",
    "!keep",
    "keep",
    "rank>2",
    "rank<3,tier",
    "tier=",
)


@dataclass(frozen=True)
class PodSketch:
    """One generated pod; `deletion` is None, or the grace period that its deletion was asked for with."""

    namespace: str
    owner: tuple[str, str, str] | None
    controls: bool
    mirror: bool
    phase: str
    empty_dir: bool
    labels: dict[str, str]
    deletion: int | None


@dataclass(frozen=True)
class Population:
    """One generated node with the options that it is drained with."""

    pods: tuple[PodSketch, ...]
    force: bool
    delete_data: bool
    selector: str
    skip_seconds: int


@dataclass
class Verdict:
    """The fate of the pods of one node; of a refused drain only the refusals are known."""

    evicted: set[str] = field(default_factory=set)
    ignored: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)


LABELS = st.fixed_dictionaries(
    {},
    optional={
        "tier": st.sampled_from(["web", "store", ""]),
        "keep": st.just("yes"),
        "rank": st.sampled_from(["1", "2", "3", "many"]),
    },
)
PODS = st.builds(
    PodSketch,
    namespace=st.sampled_from(NAMESPACES),
    owner=st.one_of(st.sampled_from(OWNERS), st.just(EXISTING)),
    controls=st.sampled_from([True, True, True, False]),
    mirror=st.sampled_from([False, False, False, True]),
    phase=st.sampled_from(["Running", "Running", "Pending", "Succeeded", "Failed"]),
    empty_dir=st.sampled_from([False, False, True]),
    labels=LABELS,
    deletion=st.sampled_from([None, None, None, 0, 3600]),
)
# Most runs of a drain are of nodes where little is refused: so are most of these.
MOSTLY = st.sampled_from([True, True, True, False])
POPULATIONS = st.builds(
    Population,
    pods=st.lists(PODS, min_size=1, max_size=6).map(tuple),
    force=MOSTLY,
    delete_data=MOSTLY,
    selector=st.one_of(st.just(""), st.sampled_from(SELECTORS)),
    skip_seconds=st.sampled_from([0, SKIP_SECONDS]),
)


def generate() -> list[Population]:
    """All populations first: kubectl is asked one node a call, everything else is cheaper in bulk."""
    found: list[Population] = []

    @settings(
        max_examples=BATCHES,
        phases=[Phase.generate],
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(POPULATIONS, min_size=NODES_A_BATCH, max_size=NODES_A_BATCH))
    def collect(batch: list[Population]) -> None:
        found.extend(batch)

    collect()
    return found


def pod_body(sketch: PodSketch, *, node: str, name: str) -> Object:
    metadata: Object = {"name": name, "namespace": sketch.namespace, "labels": sketch.labels}
    if sketch.mirror:
        metadata["annotations"] = {"kubernetes.io/config.mirror": "hash"}
    if sketch.deletion is not None:
        metadata["finalizers"] = ["example.com/hold"]
    if sketch.owner:
        kind, version, owner = sketch.owner
        metadata["ownerReferences"] = [
            {"apiVersion": version, "kind": kind, "name": owner, "uid": f"uid-{owner}", "controller": sketch.controls}
        ]
    spec: Object = {
        "nodeName": node,
        "containers": [{"name": "main", "image": "example"}],
        "automountServiceAccountToken": False,
    }
    if sketch.empty_dir:
        spec["volumes"] = [{"name": "scratch", "emptyDir": {}}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def create_node(cluster: Cluster, name: str, population: Population) -> None:
    cluster.create("/api/v1/nodes", {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}})
    for number, sketch in enumerate(population.pods):
        pod = f"{name}-{number}"
        collection = f"/api/v1/namespaces/{sketch.namespace}/pods"
        cluster.create(collection, pod_body(sketch, node=name, name=pod))
        if sketch.phase != "Pending":
            cluster.patch(f"{collection}/{pod}/status", {"status": {"phase": sketch.phase}})
        if sketch.deletion is not None:
            cluster.delete(f"{collection}/{pod}", grace_period_seconds=sketch.deletion)


def create_all(cluster: Cluster, populations: Sequence[Population]) -> None:
    for namespace in NAMESPACES:
        meta: Object = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        cluster.create("/api/v1/namespaces", meta)
        account: Object = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
        cluster.create(f"/api/v1/namespaces/{namespace}/serviceaccounts", account)
    # One DaemonSet is in two namespaces of three, so that its name alone proves nothing.
    for namespace, name in ((NAMESPACES[0], "agent"), (NAMESPACES[1], "agent"), (NAMESPACES[2], "logger")):
        template = {
            "metadata": {"labels": {"app": name}},
            "spec": {"containers": [{"name": "main", "image": "example"}]},
        }
        body: Object = {
            "apiVersion": "apps/v1",
            "kind": "DaemonSet",
            "metadata": {"name": name},
            "spec": {"selector": {"matchLabels": {"app": name}}, "template": template},
        }
        cluster.create(f"/apis/apps/v1/namespaces/{namespace}/daemonsets", body)
    with ThreadPoolExecutor(max_workers=8) as pool:
        names = [node_name(number) for number in range(len(populations))]
        list(pool.map(lambda pair: create_node(cluster, *pair), zip(names, populations, strict=True)))


def node_name(number: int) -> str:
    return f"node-{number:04}"


def ask_kubectl(plane: ControlPlane, node: str, population: Population) -> Verdict:
    words = [str(plane.kubectl_binary), f"--kubeconfig={plane.kubeconfig}", "drain", node]
    words += ["--dry-run=server", "--ignore-daemonsets", f"--pod-selector={population.selector}"]
    words += [f"--force={str(population.force).lower()}"]
    words += [f"--delete-emptydir-data={str(population.delete_data).lower()}"]
    words += [f"--skip-wait-for-delete-timeout={population.skip_seconds}"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    titles = re.compile(rf"\boracle-[abc]/{node}-\d+")
    refusal = re.search(r"unable to drain node .*?due to error: (.*), continuing command", done.stderr, re.DOTALL)
    ignored = re.search(r"ignoring DaemonSet-managed Pods: ([^;\n]*)", done.stderr)
    assert (done.returncode == 0) == (refusal is None), done.stderr
    return Verdict(
        evicted=set(re.findall(r"evicting pod (\S+) \(server dry run\)", done.stdout)),
        ignored=set(titles.findall(ignored.group(1))) if ignored else set(),
        refused=set(titles.findall(refusal.group(1))) if refusal else set(),
    )


def ask_ours(cluster: Cluster, node: str, population: Population) -> Verdict:
    options = DrainSettings(
        force=population.force,
        delete_empty_dir_data=population.delete_data,
        pod_selector=population.selector,
        skip_wait_for_delete_seconds=population.skip_seconds,
    )
    pods = pods_on(cluster, node)
    plan = plan_drain(pods, daemon_sets=existing_daemon_sets(cluster, pods), options=options)
    assert len(plan.evict) + len(plan.leave) <= len(pods)
    assert all(
        reason in (Left.NOT_SELECTED, Left.STATIC, Left.DAEMON_SET, Left.LONG_TERMINATING) for _, reason in plan.leave
    )
    refused = {pod.title for pod in pods if any(f"pod {pod.title} " in each.fact for each in plan.refusals)}
    if refused:
        return Verdict(refused=refused)
    return Verdict(
        evicted={pod.title for pod in plan.evict},
        ignored={pod.title for pod, reason in plan.leave if reason is Left.DAEMON_SET},
    )


def test_our_plan_is_kubectls_on_generated_nodes(bare_plane: ControlPlane) -> None:
    populations = generate()
    assert len(populations) >= NODES
    cluster = Cluster(kubeconfig=str(bare_plane.kubeconfig))
    create_all(cluster, populations)
    time.sleep(SKIP_SECONDS + 2)  # what was deleted without grace is now older than the pods' skip
    names = [node_name(number) for number in range(len(populations))]
    with ThreadPoolExecutor(max_workers=4) as pool:
        theirs = list(pool.map(lambda pair: ask_kubectl(bare_plane, *pair), zip(names, populations, strict=True)))
    ours = [ask_ours(cluster, *pair) for pair in zip(names, populations, strict=True)]
    differ = [found for found in zip(populations, theirs, ours, strict=True) if found[1] != found[2]]
    smallest = sorted(differ, key=lambda found: len(found[0].pods))[:3]
    lines = [f"{population}\n  kubectl: {their}\n  ours:    {our}" for population, their, our in smallest]
    assert not differ, f"{len(differ)} of {len(populations)} nodes differ, the smallest:\n" + "\n".join(lines)
    # The oracle is only worth as much as what it was asked: each outcome was there often.
    assert sum(bool(verdict.refused) for verdict in theirs) > NODES / 20
    assert sum(bool(verdict.evicted) for verdict in theirs) > NODES / 20
    assert sum(bool(verdict.ignored) for verdict in theirs) > NODES / 20

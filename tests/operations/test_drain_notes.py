from dataclasses import replace
from typing import Any

import pytest

from components.operations.drain_notes import Surroundings, Topic, preview_notes
from components.operations.drain_plan import DrainOptions, budget_findings, plan_drain
from components.operations.model import Budget, PinnedVolume, Pod
from components.operations.selectors import Object
from tests.builders import make_budget, make_node, make_pod


def notes(
    pods: list[Pod],
    *,
    others: tuple[Pod, ...] = (),
    volumes: tuple[PinnedVolume, ...] = (),
    budgets: tuple[Budget, ...] = (),
    options: DrainOptions | None = None,
) -> dict[Topic, str]:
    settings = options or DrainOptions(delete_empty_dir_data=True)
    plan = plan_drain(pods, daemon_sets=(), options=settings)
    nodes = tuple(make_node(f"worker-{number}") for number in (1, 2, 3))
    around = Surroundings(nodes=nodes, pods=(*pods, *others), volumes=volumes, options=settings)
    return {note.topic: f"{note.fact}: {note.remedy}" for note in preview_notes(plan, budgets, around)}


def twin(name: str, **fields: Any) -> Pod:
    """A second pod of the same owner, on another node."""
    return replace(make_pod(name), name=f"{name}-twin", **{"node": "worker-2", **fields})


LOCAL = PinnedVolume(name="disk-1", namespace="default", claim="data", hosts=("worker-1",))


@pytest.mark.parametrize(
    ("pods", "others", "topic", "text"),
    [
        ([make_pod("web")], (), Topic.ONLY_REPLICA, "pod default/web is the only replica of ReplicaSet web-owner"),
        ([make_pod("web")], (twin("web", phase="Succeeded"),), Topic.ONLY_REPLICA, "only replica"),
        ([make_pod("web")], (twin("web", terminating_since="2026-01-01T00:00:00Z"),), Topic.ONLY_REPLICA, "only"),
        ([make_pod("web")], (twin("web"),), None, ""),
        ([make_pod("job", controller="Job")], (), None, ""),
        ([make_pod("done", phase="Failed")], (), None, ""),
        ([make_pod("db", only_hosts=("worker-1",))], (twin("db"),), Topic.PINNED, "allows worker-1 alone"),
        ([make_pod("db", only_hosts=("worker-1", "worker-2"))], (twin("db"),), None, ""),
        ([make_pod("db", claims=("data",))], (twin("db"),), Topic.PINNED, "its volume disk-1 is on worker-1"),
        ([make_pod("db", claims=("other",))], (twin("db"),), None, ""),
        (
            [make_pod("proxy", ports_on_host=(("TCP", 80),))],
            tuple(twin("proxy", node=f"worker-{number}", ports_on_host=(("TCP", 80),)) for number in (2, 3)),
            Topic.HOST_PORT,
            "needs host port 80/TCP, which is free on no other schedulable node",
        ),
        (
            [make_pod("proxy", ports_on_host=(("TCP", 80),))],
            (twin("proxy", ports_on_host=(("TCP", 80),)),),
            None,
            "",
        ),
        (
            [make_pod("proxy", ports_on_host=(("TCP", 80),))],
            tuple(twin("proxy", node=f"worker-{number}", ports_on_host=(("UDP", 80),)) for number in (2, 3)),
            None,
            "",
        ),
    ],
)  # fmt: skip
def test_a_note(pods: list[Pod], others: tuple[Pod, ...], topic: Topic | None, text: str) -> None:
    found = notes(pods, others=others, volumes=(LOCAL,))
    assert list(found) == ([topic] if topic else [])
    assert text in "".join(found.values())


def test_a_pinned_pod_is_said_to_hold_up_the_drain_unless_it_is_not_waited_for() -> None:
    pods = [make_pod("db", only_hosts=("worker-1",))]
    assert "waits 300 s for its replacement and then fails" in notes(pods)[Topic.PINNED]
    options = DrainOptions(wait_for_replacements=False)
    assert "away until the node is back" in notes(pods, options=options)[Topic.PINNED]


def test_what_the_selector_keeps_and_the_renewal_destroys_is_said() -> None:
    pods = [
        make_pod("bare", controller="", empty_dirs=("cache",)),
        make_pod("agent", controller="DaemonSet"),
        make_pod("host", controller="", host_network=True),
    ]
    found = notes(pods, options=DrainOptions(pod_selector="move=yes"))
    assert list(found) == [Topic.NOT_SELECTED]
    assert "emptyDir cache and the pod itself" in found[Topic.NOT_SELECTED]


def test_a_budget_that_lets_fewer_go_than_there_are_is_said() -> None:
    pods = [make_pod("web-1", labels={"app": "web"}), make_pod("web-2", labels={"app": "web"})]
    budgets = (make_budget("pdb", app="web", healthy=4, desired=3),)
    assert "lets 1 of its 2 pods on the node go at once" in notes(pods, budgets=budgets)[Topic.ONE_AT_A_TIME]
    options = DrainOptions(disable_eviction=True)
    assert Topic.ONE_AT_A_TIME not in notes(pods, budgets=budgets, options=options)


def budget(
    *, allowed: int = 0, healthy: int, desired: int, expected: int, spec: Object | None = None, generation: int = 1,
    conditions: tuple[Object, ...] = (),
) -> Budget:  # fmt: skip
    return Budget.read(
        {
            "metadata": {"namespace": "default", "name": "pdb", "generation": generation},
            "spec": {"selector": {}, **(spec or {"minAvailable": desired})},
            "status": {
                "disruptionsAllowed": allowed,
                "currentHealthy": healthy,
                "desiredHealthy": desired,
                "expectedPods": expected,
                "observedGeneration": 1,
                "conditions": list(conditions),
            },
        }
    )


FAILED = {"type": "DisruptionAllowed", "status": "False", "reason": "SyncFailed", "message": "found no controllers"}


@pytest.mark.parametrize(
    ("given", "pod", "kind", "text"),
    [
        (budget(healthy=2, desired=2, expected=2), {}, "never", "needs 2 available, has 2 of 2 (minAvailable 2)"),
        (budget(healthy=2, desired=2, expected=2), {}, "never", "add a replica, or loosen it"),
        (budget(healthy=1, desired=2, expected=2), {}, "never", "no eviction can ever succeed"),
        (
            budget(healthy=5, desired=5, expected=5, spec={"maxUnavailable": 0}),
            {},
            "never",
            "(maxUnavailable 0): no eviction can ever succeed; loosen it for the time of the move",
        ),
        (
            budget(healthy=5, desired=5, expected=5, spec={"minAvailable": "100%"}),
            {},
            "never",
            "(minAvailable 100%): no eviction can ever succeed; loosen it",
        ),
        (budget(healthy=1, desired=1, expected=1, spec={"minAvailable": "50%"}), {}, "never", "add a replica"),
        (budget(healthy=2, desired=2, expected=4, spec={"minAvailable": "50%"}), {}, "slow", "evictions wait"),
        (budget(healthy=3, desired=3, expected=4), {}, "slow", "needs 3 available, has 3"),
        (budget(healthy=3, desired=3, expected=3, generation=2), {}, "slow", "has not been counted"),
        (budget(healthy=0, desired=0, expected=0, conditions=(FAILED,)), {}, "never", "found no controllers"),
        (budget(allowed=1, healthy=3, desired=2, expected=3), {}, "", ""),
        # What is not up, or over, or on its way out is evicted past a budget that allows nothing.
        (budget(healthy=2, desired=2, expected=3), {"phase": "Pending", "ready": False}, "", ""),
        (budget(healthy=2, desired=2, expected=2), {"phase": "Failed", "ready": False}, "", ""),
        (budget(healthy=2, desired=2, expected=2), {"terminating_since": "2026-01-01T00:00:00Z"}, "", ""),
        (budget(healthy=2, desired=2, expected=3), {"ready": False}, "", ""),
        (budget(healthy=1, desired=2, expected=3), {"ready": False}, "slow", "needs 2 available, has 1"),
        (
            budget(
                healthy=1,
                desired=2,
                expected=3,
                spec={"minAvailable": 2, "unhealthyPodEvictionPolicy": "AlwaysAllow"},
            ),
            {"ready": False},
            "",
            "",
        ),
    ],
)
def test_a_budget_is_said_to_be(given: Budget, pod: dict[str, Any], kind: str, text: str) -> None:
    plan = plan_drain([make_pod("web", **pod)], daemon_sets=(), options=DrainOptions())
    never, slow = budget_findings(plan, [given])
    assert [name for name, found in (("never", never), ("slow", slow)) if found] == ([kind] if kind else [])
    assert text in "".join([*never, *slow])


def test_two_budgets_do_not_matter_to_a_pod_that_is_over() -> None:
    both = [budget(healthy=3, desired=1, expected=3, allowed=2)] * 2
    plan = plan_drain([make_pod("web", phase="Failed")], daemon_sets=(), options=DrainOptions())
    assert budget_findings(plan, both) == ([], [])


@pytest.mark.parametrize(
    ("spec", "hosts"),
    [
        ({}, ()),
        ({"nodeSelector": {"kubernetes.io/hostname": "a"}}, ("a",)),
        ({"nodeSelector": {"disk": "ssd"}}, ()),
        (
            [{"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["b", "a"]}]}],
            ("a", "b"),
        ),
        ([{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["a"]}]}], ("a",)),
        ([{"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]}], ()),
        ([{"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "NotIn", "values": ["a"]}]}], ()),
        (
            [
                {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["a"]}]},
                {"matchExpressions": [{"key": "disk", "operator": "Exists"}]},
            ],
            (),
        ),
    ],
)  # fmt: skip
def test_the_only_hosts_of_a_pod_are_read(spec: object, hosts: tuple[str, ...]) -> None:
    if isinstance(spec, list):
        required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": spec}}
        spec = {"affinity": {"nodeAffinity": required}}
    pod = Pod.read({"metadata": {"namespace": "default", "name": "web", "uid": "1"}, "spec": spec})
    assert pod.only_hosts == hosts


def test_a_local_volume_and_its_claim_are_read() -> None:
    required = {
        "nodeSelectorTerms": [
            {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["worker-1"]}]}
        ]
    }
    claim = {"namespace": "default", "name": "data"}
    item = {"metadata": {"name": "disk-1"}, "spec": {"nodeAffinity": {"required": required}, "claimRef": claim}}
    assert PinnedVolume.read(item) == LOCAL
    assert PinnedVolume.read({"metadata": {"name": "disk-2"}, "spec": {"claimRef": claim}}) is None
    volumes = [
        {"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
        {"name": "scratch", "ephemeral": {}},
        {"name": "cache", "emptyDir": {}},
    ]
    pod = Pod.read({"metadata": {"namespace": "default", "name": "db", "uid": "1"}, "spec": {"volumes": volumes}})
    assert pod.claims == ("data", "db-scratch")

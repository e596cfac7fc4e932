from dataclasses import replace
from typing import Any

import pytest

from components.operations.demands.demand import Demand
from components.operations.draining.drain_notes import Surroundings, Topic, preview_notes
from components.operations.draining.drain_plan import budget_findings, plan_drain
from components.operations.objects.model import Budget, Pod
from components.operations.selectors import Object
from stacks.sections.node import DrainSettings
from tests.builders import make_budget, make_pod


def notes(
    pods: list[Pod],
    *,
    others: tuple[Pod, ...] = (),
    budgets: tuple[Budget, ...] = (),
    options: DrainSettings | None = None,
) -> dict[Topic, str]:
    settings = options or DrainSettings(delete_empty_dir_data=True)
    plan = plan_drain(pods, daemon_sets=(), options=settings)
    around = Surroundings(pods=(*pods, *others), options=settings)
    return {note.topic: f"{note.fact}: {note.remedy}" for note in preview_notes(plan, budgets, around)}


def twin(name: str, **fields: Any) -> Pod:
    """A second pod of the same owner, on another node."""
    return replace(make_pod(name), name=f"{name}-twin", **{"node": "worker-2", **fields})


SLOW, LATE = Demand(grace_seconds=3600), Demand(grace_seconds=599)
STUCK = {"terminating_since": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("pods", "others", "topic", "text"),
    [
        ([make_pod("web")], (), Topic.ONLY_REPLICA, "pod default/web is the only replica of ReplicaSet web-owner"),
        ([make_pod("web")], (twin("web", phase="Succeeded"),), Topic.ONLY_REPLICA, "only replica"),
        ([make_pod("web")], (twin("web", terminating_since="2026-01-01T00:00:00Z"),), Topic.ONLY_REPLICA, "only"),
        ([make_pod("web")], (twin("web"),), None, ""),
        ([make_pod("job", controller="Job")], (), None, ""),
        ([make_pod("done", phase="Failed")], (), None, ""),
        ([make_pod("web", demand=SLOW)], (twin("web"),), Topic.SLOW_END, "may take 3600 s to end (terminationGrace"),
        ([make_pod("web", demand=SLOW)], (twin("web"),), Topic.SLOW_END, "drain.timeoutSeconds above 3600 or"),
        ([make_pod("web", demand=LATE)], (twin("web"),), None, ""),
        ([make_pod("web", demand=SLOW, phase="Succeeded")], (), None, ""),
        ([make_pod("web", **STUCK, finalizers=("a/b",))], (twin("web"), twin("web")), Topic.SLOW_END,
         "terminating since 2026-01-01T00:00:00Z, held by finalizers a/b"),
        ([make_pod("web", demand=Demand(grace_seconds=90_000))], (twin("web"),), Topic.SLOW_END,
         "cordoned: set drain.gracePeriodSeconds to"),
    ],
)  # fmt: skip
def test_a_note(pods: list[Pod], others: tuple[Pod, ...], topic: Topic | None, text: str) -> None:
    found = notes(pods, others=others)
    assert list(found) == ([topic] if topic else [])
    assert text in "".join(found.values())


def test_the_drains_own_grace_period_is_what_counts() -> None:
    pods, others = [make_pod("web", demand=SLOW)], (twin("web"),)
    assert notes(pods, others=others, options=DrainSettings(grace_period_seconds=20)) == {}
    own = notes(pods, others=others, options=DrainSettings(grace_period_seconds=900))[Topic.SLOW_END]
    assert "may take 900 s to end (drain.gracePeriodSeconds), and the drain waits 600 s" in own


def test_what_the_selector_keeps_and_the_renewal_destroys_is_said() -> None:
    pods = [
        make_pod("bare", controller="", empty_dirs=("cache",)),
        make_pod("agent", controller="DaemonSet"),
        make_pod("host", controller="", host_network=True),
    ]
    found = notes(pods, options=DrainSettings(pod_selector="move=yes"))
    assert list(found) == [Topic.NOT_SELECTED]
    assert "emptyDir cache and the pod itself" in found[Topic.NOT_SELECTED]


def test_a_budget_that_lets_fewer_go_than_there_are_is_said() -> None:
    pods = [make_pod("web-1", labels={"app": "web"}), make_pod("web-2", labels={"app": "web"})]
    budgets = (make_budget("pdb", app="web", healthy=4, desired=3),)
    assert "lets 1 of its 2 pods on the node go at once" in notes(pods, budgets=budgets)[Topic.ONE_AT_A_TIME]
    options = DrainSettings(disable_eviction=True)
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
    plan = plan_drain([make_pod("web", **pod)], daemon_sets=(), options=DrainSettings())
    never, slow = budget_findings(plan, [given])
    assert [name for name, found in (("never", never), ("slow", slow)) if found] == ([kind] if kind else [])
    assert text in "".join([*(each.line for each in never), *slow])


def test_a_controllers_own_colon_does_not_part_the_fact_from_the_remedy() -> None:
    said = {**FAILED, "message": "pods web-1: found no controller"}
    plan = plan_drain([make_pod("web")], daemon_sets=(), options=DrainSettings())
    (fault,), _ = budget_findings(plan, [budget(healthy=0, desired=0, expected=0, conditions=(said,))])
    assert fault.fact.endswith("cannot be counted (pods web-1: found no controller)")
    assert fault.remedy == "mend it, until then nothing is evicted"


def test_two_budgets_do_not_matter_to_a_pod_that_is_over() -> None:
    both = [budget(healthy=3, desired=1, expected=3, allowed=2)] * 2
    plan = plan_drain([make_pod("web", phase="Failed")], daemon_sets=(), options=DrainSettings())
    assert budget_findings(plan, both) == ([], [])


AUTOSCALER, KARPENTER = "cluster-autoscaler.kubernetes.io/safe-to-evict", "karpenter.sh/do-not-disrupt"


@pytest.mark.parametrize(
    ("annotations", "told"),
    [
        ({AUTOSCALER: "false"}, f"{AUTOSCALER}=false, which"),
        ({KARPENTER: "true", AUTOSCALER: "false"}, f"{AUTOSCALER}=false and {KARPENTER}=true, which"),
        ({KARPENTER: "4h"}, f"{KARPENTER}=4h, which"),
        ({"karpenter.sh/do-not-evict": "true"}, "karpenter.sh/do-not-evict=true, which"),
        ({"descheduler.alpha.kubernetes.io/prefer-no-eviction": "yes"}, "prefer-no-eviction=yes, which"),
        ({AUTOSCALER: "true", KARPENTER: "false"}, ""),
        ({f"{AUTOSCALER}-local-volumes": "scratch"}, ""),
        ({}, ""),
    ],
)
@pytest.mark.parametrize("kind", ["Job", "StatefulSet", "DaemonSet"])
def test_a_pod_that_is_marked_to_stay_and_goes_is_named(annotations: dict[str, str], told: str, kind: str) -> None:
    """A DaemonSet's pod stays anyhow."""
    owner = {"apiVersion": "batch/v1" if kind == "Job" else "apps/v1", "kind": kind, "name": "sim", "controller": True}
    meta = {"namespace": "lab", "name": "sim-1", "uid": "1", "annotations": annotations, "ownerReferences": [owner]}
    pod = Pod.read({"metadata": meta, "spec": {}, "status": {"phase": "Running"}})
    plan = plan_drain([pod], daemon_sets=[("lab", "sim")], options=DrainSettings())
    around = Surroundings(pods=(pod, replace(pod, name="sim-2")))
    found = [note.fact for note in preview_notes(plan, (), around) if note.topic is Topic.WISHES_TO_STAY]
    assert [told in fact for fact in found] == ([True] if told and kind != "DaemonSet" else [])

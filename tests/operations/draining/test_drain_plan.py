from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.names import NAMESPACE, NODES_NAMESPACE
from components.operations.draining.drain_plan import plan_drain
from components.operations.objects.model import Pod
from stacks.sections.node import DrainSettings
from tests.builders import make_pod

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
KNOWN = {("default", "agent-owner")}


@pytest.mark.parametrize(
    ("pod", "options", "outcome"),
    [
        (make_pod("web"), {}, "evict"),
        (make_pod("store", controller="StatefulSet"), {}, "evict"),
        (make_pod("agent", controller="DaemonSet"), {}, "leave"),
        (make_pod("orphan", controller="DaemonSet"), {}, "refuse"),
        (make_pod("orphan", controller="DaemonSet"), {"force": True}, "evict"),
        (make_pod("static", controller="Node", mirror=True), {}, "leave"),
        (make_pod("bare", controller=""), {}, "refuse"),
        (make_pod("bare", controller=""), {"force": True}, "evict"),
        (make_pod("done", controller="", phase="Succeeded"), {}, "evict"),
        (make_pod("verify-worker-1", controller="", namespace=NAMESPACE, phase="Pending"), {}, "leave"),
        (make_pod("inspect-network-1", controller="", namespace=NODES_NAMESPACE), {}, "leave"),
        (make_pod("reboot-1", controller="", namespace=NODES_NAMESPACE, empty_dirs=("x",)), {}, "leave"),
        (make_pod("of-an-earlier-version", controller="", namespace=NAMESPACE), {}, "leave"),
        (make_pod("almost-ours", controller="", namespace=f"{NAMESPACE}-nodes-2"), {}, "refuse"),
        (make_pod("by-a-controller-too", namespace=NODES_NAMESPACE), {}, "evict"),
        (make_pod("made-by-a-controller", namespace=NAMESPACE), {}, "evict"),
        (make_pod("data", empty_dirs=("x",)), {}, "refuse"),
        (make_pod("data", empty_dirs=("x",)), {"delete_empty_dir_data": True}, "evict"),
        (make_pod("data", empty_dirs=("x",), phase="Failed"), {}, "evict"),
        (make_pod("stuck", terminating_since="2026-11-01T11:00:00Z"), {"skip_wait_for_delete_seconds": 60}, "leave"),
        (make_pod("going", terminating_since="2026-11-01T11:59:30Z"), {"skip_wait_for_delete_seconds": 60}, "evict"),
        (make_pod("going", terminating_since="2026-11-01T11:00:00Z"), {}, "evict"),
    ],
    ids=lambda value: value.name if isinstance(value, Pod) else str(value),
)
def test_filters_are_kubectls(pod: Pod, options: dict[str, object], outcome: str) -> None:
    plan = plan_drain([pod], daemon_sets=KNOWN, options=DrainSettings.model_construct(**options), now=NOW)  # type: ignore[arg-type]
    sorted_as = {"evict": plan.evict, "leave": plan.leave, "refuse": plan.refusals}
    assert [name for name, found in sorted_as.items() if found] == [outcome]


def test_a_bare_pod_with_local_data_has_both_reasons() -> None:
    plan = plan_drain(
        [make_pod("bare", controller="", empty_dirs=("x",))], daemon_sets=(), options=DrainSettings(), now=NOW
    )
    assert len(plan.refusals) == 2


def test_pods_are_counted_by_workload() -> None:
    pods = [make_pod(f"web-{number}", labels={"pod-template-hash": "owner"}) for number in range(2)]
    plan = plan_drain(pods, daemon_sets=(), options=DrainSettings(), now=NOW)
    assert plan.by_workload() == "Deployment web-0 ×1, Deployment web-1 ×1"


pods = st.builds(
    lambda number, kind, phase, data, mirror: make_pod(
        f"pod-{number}", controller=kind, phase=phase, empty_dirs=("x",) if data else (), mirror=mirror
    ),
    st.integers(0, 99),
    st.sampled_from(["", "ReplicaSet", "DaemonSet", "StatefulSet"]),
    st.sampled_from(["Running", "Pending", "Succeeded", "Failed"]),
    st.booleans(),
    st.booleans(),
)


@given(st.lists(pods, max_size=20), st.booleans(), st.booleans())
def test_every_pod_is_evicted_left_or_refused_and_never_two_of_them(
    some: list[Pod], force: bool, delete_data: bool
) -> None:
    options = DrainSettings(force=force, delete_empty_dir_data=delete_data)
    plan = plan_drain(some, daemon_sets=KNOWN, options=options, now=NOW)
    refused = [pod for pod in some if any(f"pod {pod.title} " in each.fact for each in plan.refusals)]
    taken = list(plan.evict) + [pod for pod, _ in plan.leave]
    assert len(taken) <= len(some)
    assert all(pod in taken or pod in refused for pod in some)
    assert not [pod for pod in plan.evict if pod.mirror]
    if force and delete_data:
        assert not plan.refusals

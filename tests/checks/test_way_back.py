"""A config undoes nothing by what it leaves out, and a way back is said with its number of nodes."""

from dataclasses import replace
from typing import Any

import pytest

from components.checks import CATALOGUE, Severity, StackState, run_checks
from components.operations.snapshot import Snapshot
from tests.builders import (
    FLANNEL_DAEMON_SET,
    alone,
    make_budget,
    make_context,
    make_node,
    make_pod,
    make_snapshot,
    secondary,
)

ONE = secondary(nodes=(make_node("worker-1", step="migrated"), make_node("worker-2"), make_node("worker-3")))
ALL = secondary(nodes=tuple(make_node(f"worker-{number}", step="migrated") for number in (1, 2, 3)))
WAVES = [["worker-1", "worker-2", "worker-3"]]


def lines(snapshot: Snapshot, check: str, severity: Severity, **settings: Any) -> list[str]:
    findings = run_checks(CATALOGUE, make_context(snapshot, **settings))
    return [each.line for each in findings if (each.check, each.severity) == (check, severity)]


@pytest.mark.parametrize(
    ("step", "state", "settings", "lost"),
    [
        ("migrated", StackState(), {}, True),
        ("migrated", StackState(waves=frozenset({"worker-1"})), {}, True),
        ("migrated", StackState(turns=frozenset({"worker-1"})), {}, False),
        ("migrated", StackState(), {"phase": "preflight"}, True),
        ("migrated", StackState(), {"waves": [["worker-1"]]}, False),
        ("migrated", None, {}, False),
        ("switching", StackState(), {}, True),
        ("draining", StackState(waves=frozenset({"worker-1"})), {}, False),
        ("returning", StackState(turns=frozenset({"worker-1"})), {}, False),
        ("", StackState(), {}, False),
    ],
)
def test_a_node_that_nothing_would_take_back_is_told(
    step: str, state: StackState | None, settings: dict[str, Any], *, lost: bool
) -> None:
    snapshot = secondary(nodes=(make_node("worker-1", step=step), make_node("worker-2")))
    context = replace(make_context(snapshot, **{"phase": "migrate", "waves": [], **settings}), state=state)
    found = [each for each in run_checks(CATALOGUE, context) if each.check == "turn-known"]
    assert [each.severity for each in found] == [Severity.BLOCKER] * lost
    assert all("1 node (worker-1) had a turn" in each.evidence for each in found)


@pytest.mark.parametrize(
    ("snapshot", "settings", "told"),
    [
        (ONE, {}, "take 1 node back to Flannel and remove Cilium"),
        (ALL, {"waves": []}, "take 3 nodes back to Flannel and remove Cilium"),
        (secondary(), {}, "this run would remove Cilium"),
        (secondary(), {"cilium": {"podCidr": "10.245.0.0/16"}}, "`pulumi config set phase secondary`"),
        (alone(), {}, "`pulumi config set phase finalize`"),
        (alone(daemon_sets=()), {}, "`pulumi config set phase cleanup`"),
        (ONE, {"phase": "migrate"}, "1 node (worker-1) had a turn: without them this run would take all of them back"),
        (ALL, {"phase": "secondary"}, "`pulumi config set waves '[]'`"),
    ],
)
def test_a_key_that_is_absent_undoes_nothing(snapshot: Snapshot, settings: dict[str, Any], told: str) -> None:
    (line,) = lines(snapshot, "way-back-written", Severity.BLOCKER, **settings)
    assert told in line
    assert "`pulumi config refresh`" in line


@pytest.mark.parametrize(
    ("snapshot", "settings"),
    [
        (make_snapshot(), {}),
        (make_snapshot(record=secondary().record), {}),
        (secondary(), {"phase": "secondary"}),
        (secondary(), {"phase": "migrate"}),
        (ONE, {"phase": "migrate", "waves": [["worker-1"]]}),
        (ONE, {"phase": "migrate", "waves": []}),
        (ONE, {"phase": "migrate", "waves": "[]"}),
        (ALL, {"phase": "preflight"}),
        (alone(), {"phase": "migrate", "waves": WAVES}),
    ],
)
def test_a_way_back_that_is_written_and_a_way_on_are_not_refused(snapshot: Snapshot, settings: dict[str, Any]) -> None:
    assert lines(snapshot, "way-back-written", Severity.BLOCKER, **settings) == []


@pytest.mark.parametrize(
    ("snapshot", "settings", "told"),
    [
        (ONE, {"phase": "migrate", "waves": []}, ["takes 1 node back to Flannel: worker-1"]),
        (ALL, {"phase": "secondary", "waves": [["worker-2"]]}, ["takes 2 nodes back to Flannel: worker-1, worker-3"]),
        (ALL, {"phase": "preflight"}, ["takes 3 nodes back", "removes Cilium: the cluster is in phase 'migrate'"]),
        (secondary(), {"phase": "preflight"}, ["removes Cilium: the cluster is in phase 'secondary'"]),
        (alone(), {"phase": "migrate", "waves": WAVES}, ["takes Cilium's final settings back"]),
        (alone(), {"phase": "finalize", "waves": WAVES}, []),
        (ALL, {"phase": "finalize", "waves": WAVES}, []),
        (make_snapshot(), {"phase": "preflight"}, []),
    ],
)
def test_what_goes_back_is_said(snapshot: Snapshot, settings: dict[str, Any], told: list[str]) -> None:
    found = lines(snapshot, "way-back", Severity.WARNING, **settings)
    assert len(found) == len(told)
    assert all(text in line for text, line in zip(told, found, strict=True))


def agents(image: str, *, namespace: str = "kube-system", name: str = "cilium") -> tuple[dict[str, Any], ...]:
    containers = [{"name": "other", "image": "x:v9.9.9"}, {"name": "cilium-agent", "image": image}]
    spec = {"template": {"spec": {"containers": containers}}}
    return FLANNEL_DAEMON_SET, {"metadata": {"namespace": namespace, "name": name}, "spec": spec}


@pytest.mark.parametrize(
    ("image", "settings", "told"),
    [
        ("quay.io/cilium/cilium:v1.18.5@sha256:abc", {}, "runs Cilium 1.18.5, and cilium.version is not set"),
        ("registry:5000/mirror/cilium:1.17.0-rc.1", {"podCidr": "10.245.0.0/16"}, "cilium.version 1.17.0-rc.1`"),
        ("quay.io/cilium/cilium:v1.18.5", {"version": "1.19.7"}, ""),
        ("quay.io/cilium/cilium:v1.19.7", {}, ""),
        ("quay.io/cilium/cilium:v1.18.5", {"values": {"image": {"tag": "v1.18.5"}}}, ""),
        ("quay.io/cilium/cilium:v1.18.5", {"chart": "./charts/cilium-1.18.5.tgz"}, ""),
    ],
)
def test_a_version_that_is_not_written_changes_no_cilium(image: str, settings: dict[str, Any], told: str) -> None:
    snapshot = secondary(daemon_sets=agents(image))
    found = lines(snapshot, "cilium-kept", Severity.BLOCKER, phase="secondary", cilium=settings)
    assert [told in line for line in found] == ([True] if told else [])


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, "runs in namespace cilium-system, and cilium.namespace is not set, which means kube-system"),
        (
            {"namespace": "network"},
            "and cilium.namespace is network: `pulumi config set --path cilium.namespace cilium",
        ),
        ({"namespace": "cilium-system"}, ""),
    ],
)
def test_a_cilium_in_another_namespace_is_not_removed_for_a_second_one(settings: dict[str, Any], told: str) -> None:
    snapshot = make_snapshot(
        record=secondary().record, daemon_sets=agents("cilium:v1.19.7", namespace="cilium-system", name="ours")
    )
    found = lines(snapshot, "cilium-kept", Severity.BLOCKER, phase="migrate", waves=[["worker-1"]], cilium=settings)
    assert [told in line for line in found] == ([True] if told else [])


@pytest.mark.parametrize("image", ["registry:5000/cilium@sha256:abc", "registry:5000/cilium:stable", "cilium"])
def test_a_version_that_cannot_be_read_is_said(image: str) -> None:
    snapshot = secondary(daemon_sets=agents(image))
    (line,) = lines(snapshot, "cilium-kept", Severity.WARNING, phase="secondary")
    assert f"cannot be read from its image {image}" in line


LONE = make_pod("lone", controller="")
PROXY = make_pod("proxy", mirror=True)
HELD = (make_budget("pdb", app="web", healthy=1, desired=1),)


@pytest.mark.parametrize("step", ["migrated", "switching", "returning", "draining"])
@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"pods": (LONE,)}, "node worker-1 cannot be drained on its way back: pod default/lone has no controller"),
        ({"pods": (make_pod("web", empty_dirs=("cache",)),)}, "keeps data in emptyDir cache"),
        ({"pods": (make_pod("web"),), "budgets": HELD}, "budget default/pdb needs 1 available, has 1"),
        ({"pods": (PROXY,)}, "static pod default/proxy keeps its address of Cilium until the node restarts"),
        ({"pods": (make_pod("proxy", mirror=True, host_network=True),)}, ""),
        ({"pods": (make_pod("web"),)}, ""),
        ({"pods": (make_pod("lone", controller="", node="worker-2"),)}, ""),
    ],
)
@pytest.mark.parametrize("settings", [{"phase": "migrate", "waves": []}, {"phase": "preflight"}])
def test_what_holds_up_a_way_back_is_said_before_it(
    step: str, fields: dict[str, Any], told: str, settings: dict[str, Any]
) -> None:
    nodes = (make_node("worker-1", step=step), make_node("worker-2"), make_node("worker-3"))
    found = lines(secondary(nodes=nodes, **fields), "way-back-drainable", Severity.WARNING, **settings)
    assert [told in line for line in found] == ([True] if told else [])


@pytest.mark.parametrize("settings", [{"phase": "migrate", "waves": [["worker-1"]]}, {"phase": "finalize"}])
def test_a_node_that_stays_is_not_judged_by_what_would_hold_up_its_way_back(settings: dict[str, Any]) -> None:
    nodes = (make_node("worker-1", step="migrated"), make_node("worker-2"), make_node("worker-3"))
    found = secondary(nodes=nodes, pods=(LONE, PROXY))
    assert lines(found, "way-back-drainable", Severity.WARNING, **settings) == []

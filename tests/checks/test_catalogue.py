from typing import Any

import pytest

from components.checks import CATALOGUE, Severity, refusals, run_checks, unfit_acknowledgements
from components.operations.snapshot import Snapshot
from stacks.strategies import Milestone
from tests.builders import alone, make_budget, make_context, make_facts, make_node, make_pod, make_snapshot, secondary


def found(snapshot: Snapshot | None = None, **settings: Any) -> dict[str, list[str]]:
    result: dict[str, list[str]] = {}
    for finding in run_checks(CATALOGUE, make_context(snapshot, **settings)):
        result.setdefault(f"{finding.check} {finding.severity}", []).append(finding.line)
    return result


def test_a_value_that_is_free_later_is_said_to_be() -> None:
    for values, words in (
        ({"bpf": {"masquerade": True}}, "move it to cilium.finalValues"),
        ({"agent": False}, "remove it"),
    ):
        (line,) = found(cilium={"values": values})["method-values blocker"]
        assert words in line


def test_ids_are_unique_and_have_titles() -> None:
    assert len({check.id for check in CATALOGUE}) == len(CATALOGUE)
    assert all(check.title and check.why and check.remedy for check in CATALOGUE)


def test_a_healthy_cluster_has_no_findings() -> None:
    for phase in ("preflight", "secondary"):
        assert found(phase=phase) == {}


@pytest.mark.parametrize(
    ("snapshot", "settings", "check"),
    [
        (None, {"cilium": {"podCidr": "10.244.0.0/16"}}, "pod-cidr-free"),
        (None, {"cilium": {"podCidr": "10.0.0.0/8"}}, "pod-cidr-free"),
        (None, {"cilium": {"podCidr": "10.96.0.0/16"}}, "pod-cidr-free"),
        (None, {"cilium": {"podCidr": "172.30.0.0/16"}}, "pod-cidr-free"),
        (
            make_snapshot(facts={"worker-2": make_facts(routes=(("10.245.3.0/24", "tun0"),))}),
            {"cilium": {"podCidr": "10.245.0.0/16"}},
            "pod-cidr-free",
        ),
        (None, {"cilium": {"podCidr": "10.245.0.0/23"}}, "pod-cidr-capacity"),
        (None, {"cilium": {"tunnelPort": 8472}}, "tunnel-port-free"),
        (make_snapshot(facts={"worker-2": make_facts(udp_ports=(53, 8473))}), {"cilium": {"tunnelPort": 8473}},
            "tunnel-port-free"),
        (
            make_snapshot(pods=(make_pod("game", udp_host_ports=(8473,), host_network=True),)),
            {"cilium": {"tunnelPort": 8473}},
            "tunnel-port-free",
        ),
        (None, {"cilium": {"values": {"policyEnforcementMode": "always"}}}, "method-values"),
        (make_snapshot(nodes=(make_node("worker-1"), make_node("worker-2", ready=False))), {}, "nodes-ready"),
        (make_snapshot(cilium_config={"custom-cni-conf": "true"}), {}, "foreign-cilium"),
        (None, {"waves": [["worker-1"]]}, "secondary-complete"),
        (secondary(), {"waves": [["worker-9"]]}, "nodes-known"),
        (secondary(node_configs=0), {"waves": [["worker-1"]]}, "secondary-complete"),
        (secondary(cilium_config={"enable-policy": "default"}), {"waves": [["worker-1"]]}, "secondary-complete"),
        (None, {"phase": "finalize"}, "secondary-complete"),
        (secondary(), {"phase": "finalize", "waves": [["worker-1"]]}, "all-nodes-migrated"),
        (alone(cilium_config=secondary().cilium_config), {"phase": "cleanup", "cleanup": {"consent": "flannel"},
            "waves": [["worker-1", "worker-2", "worker-3"]]}, "finalize-complete"),
        (alone(), {"phase": "cleanup", "waves": [["worker-1", "worker-2", "worker-3"]]}, "cleanup-consent"),
        (alone(), {"phase": "finalize", "waves": [["worker-1", "worker-2"]]}, "no-way-back"),
        (alone(daemon_sets=()), {"phase": "secondary", "waves": [["worker-1", "worker-2", "worker-3"]]}, "no-way-back"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused(snapshot: Snapshot | None, settings: dict[str, Any], check: str) -> None:
    settings = {"phase": "secondary", **settings}
    lines = found(snapshot, **settings)
    assert f"{check} blocker" in lines
    assert refusals(run_checks(CATALOGUE, make_context(snapshot, **settings)))


def test_a_pod_with_an_old_address_keeps_cilium_from_being_alone() -> None:
    label = {"io.cilium.migration/cilium-default": "true"}
    nodes = tuple(make_node(node.name, step="migrated", labels=label) for node in alone().nodes)
    snapshot = secondary(
        nodes=nodes, pods=(make_pod("late", address="10.244.2.9"), make_pod("new", address="10.245.1.1"))
    )
    settings: dict[str, Any] = {"phase": "finalize", "waves": [["worker-1", "worker-2", "worker-3"]]}
    (line,) = found(snapshot, **settings)["all-nodes-migrated blocker"]
    assert "1 pods still have addresses of Flannel: default/late (10.244.2.9)" in line
    assert found(secondary(nodes=nodes), **settings) == {}


def test_an_acknowledged_blocker_is_a_warning_that_gives_the_reason() -> None:
    reason = "the port is Flannel's until Monday"
    lines = found(phase="secondary", cilium={"tunnelPort": 8472}, acknowledge={"tunnel-port-free": reason})
    (line,) = lines["tunnel-port-free warning"]
    assert f"acknowledged: {reason}; cilium.tunnelPort 8472 is the UDP port of Flannel" in line


def test_an_acknowledged_warning_is_a_note() -> None:
    node = make_node("worker-1", step="draining")
    lines = found(secondary(nodes=(node,)), phase="migrate", acknowledge={"turns-left-open": "Bob is on it"})
    assert "acknowledged: Bob is on it; node worker-1" in lines["turns-left-open note"][0]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "pod-cidr-fre",
            "config acknowledge.pod-cidr-fre: there is no such check; did you mean pod-cidr-free?",
        ),
        ("one-run", "config acknowledge.one-run: is a gate, which cannot be acknowledged"),
    ],
)
def test_what_cannot_be_acknowledged_is_one_clear_line(name: str, told: str) -> None:
    (line,) = unfit_acknowledgements(CATALOGUE, ["pod-cidr-free", name])
    assert line.startswith(told)
    assert "secondary-complete" not in line


@pytest.mark.parametrize(
    ("waves", "evidence"),
    [
        ([["worker-1"], ["worker-2"], ["worker-3"]], ""),
        ([["worker-1", "worker-3"]], "wave 0 moves control-plane node worker-3 together with other nodes"),
        ([["worker-3"], ["worker-1"]], "wave 1 moves workers after control-plane node worker-3"),
        ([["worker-1", "worker-2"]], ""),
    ],
)
def test_control_plane_nodes_go_last_and_alone(waves: list[list[str]], evidence: str) -> None:
    nodes = (make_node("worker-1"), make_node("worker-2"), make_node("worker-3", control_plane=True))
    lines = found(secondary(nodes=nodes), phase="migrate", waves=waves).get("control-plane-last blocker", [])
    assert [evidence in line for line in lines] == ([True] if evidence else [])


def test_another_run_at_work_is_refused() -> None:
    (line,) = found(secondary(other_run="alice@elsewhere/1"), phase="secondary")["one-run blocker"]
    assert "alice@elsewhere/1" in line


def test_gates_cannot_be_acknowledged() -> None:
    lines = found(phase="finalize", acknowledge={check.id: "all is well" for check in CATALOGUE})
    assert "secondary-complete blocker" in lines


@pytest.mark.parametrize(
    ("snapshot", "reached"),
    [
        (make_snapshot(), None),
        (make_snapshot(record={"kind": "flannel"}), Milestone.BEFORE_CILIUM),
        (secondary(), Milestone.BOTH_NETWORKS),
        (secondary(nodes=(make_node("worker-1", step="migrated"), make_node("worker-2"))), Milestone.NODES_MOVE),
        (alone(), Milestone.CILIUM_ALONE),
        (alone(daemon_sets=()), Milestone.OLD_NETWORK_GONE),
    ],
)
def test_how_far_the_cluster_is_can_be_read_from_it_alone(snapshot: Snapshot, reached: Milestone | None) -> None:
    assert make_context(snapshot).reached is reached


def test_finished_migration_has_no_findings() -> None:
    settings: dict[str, Any] = {"waves": [["worker-1", "worker-2", "worker-3"]], "cleanup": {"consent": "flannel"}}
    assert found(alone(daemon_sets=()), phase="cleanup", **settings) == {}


def test_a_node_that_cannot_be_drained_is_refused_with_each_reason() -> None:
    pods = (
        make_pod("bare", controller=""),
        make_pod("scratch", empty_dirs=("cache",)),
        make_pod("web"),
        make_pod("shared"),
    )
    budgets = (
        make_budget("web", app="web", healthy=1, desired=1),
        make_budget("one", app="shared", healthy=3, desired=1),
        make_budget("two", app="shared", healthy=3, desired=1),
    )
    lines = found(secondary(pods=pods, budgets=budgets), phase="migrate", waves=[["worker-1"]])["drainable blocker"]
    text = "\n".join(lines)
    for expected in (
        "bare has no controller",
        "emptyDir cache",
        "budget default/web needs 1 available, has 1",
        "2 budgets",
    ):
        assert expected in text
    assert len(lines) == 4


def test_a_budget_that_is_only_short_for_now_is_a_warning() -> None:
    snapshot = secondary(
        pods=(make_pod("web"),), budgets=(make_budget("web", app="web", healthy=3, desired=3, expected=4),)
    )
    lines = found(snapshot, phase="migrate", waves=[["worker-1"]])
    assert "drainable blocker" not in lines
    assert "needs 3 available, has 3" in lines["drainable warning"][0]


def test_a_migrated_node_is_not_looked_at_again() -> None:
    nodes = (make_node("worker-1", step="migrated", ready=False), make_node("worker-2"))
    snapshot = secondary(nodes=nodes, pods=(make_pod("bare", controller=""),))
    lines = found(snapshot, phase="migrate", waves=[["worker-1"], ["worker-2"]])
    assert not [name for name in lines if name.endswith(Severity.BLOCKER)]


def test_an_open_turn_outside_the_waves_is_said() -> None:
    nodes = (make_node("worker-1", step="draining"), make_node("worker-2", step="switching"))
    lines = found(secondary(nodes=nodes), phase="migrate")["turns-left-open warning"]
    assert "kubectl uncordon worker-1" in lines[0]
    assert "put it into `waves`" in lines[1]


@pytest.mark.parametrize(("step", "severity"), [("", "blocker"), ("drained", "blocker"), ("switching", "warning")])
def test_a_node_that_is_not_ready_blocks_its_turn_unless_that_is_its_restart(step: str, severity: str) -> None:
    nodes = (make_node("worker-1", ready=False, step=step), make_node("worker-2"))
    lines = found(secondary(nodes=nodes), phase="migrate", waves=[["worker-1"]])
    assert f"nodes-ready {severity}" in lines


@pytest.mark.parametrize(
    ("waves", "settings", "told"),
    [
        ([["worker-1", "worker-2"]], {}, True),
        ([["worker-1"], ["worker-2"]], {}, False),
        ([["worker-3"]], {}, False),
        ([["worker-1", "worker-2"]], {"drain": {"inPlace": True}}, False),
    ],
)
def test_pods_that_exclude_each_other_need_nodes_outside_of_the_wave(
    waves: list[list[str]], settings: dict[str, Any], told: bool
) -> None:
    pods = tuple(
        make_pod(name, node=f"worker-{number}", excludes_itself=True, controller="StatefulSet", labels={})
        for number, name in ((1, "op"), (2, "op"))
    )
    lines = found(secondary(pods=pods), phase="migrate", waves=waves, **settings)
    assert ("room-apart warning" in lines) is told
    if told:
        assert "wave 0 leaves 1 node for the 2 pods of default/StatefulSet op-owner" in lines["room-apart warning"][0]

"""A check judges the nodes that its phase acts on: all of them, those of a wave, or none."""

from dataclasses import replace
from typing import Any

import pytest

from components.checks import CATALOGUE, Severity, run_checks
from components.operations.snapshot import Snapshot
from tests.builders import alone, make_context, make_facts, make_node, make_pod, make_snapshot, secondary

WAVES = [["worker-1"], ["worker-2"], ["worker-3"]]
LABELS = {"io.cilium.migration/cilium-default": "true"}
WINDOWS, VIRTUAL = {"kubernetes.io/os": "windows"}, {"kubernetes.io/os": "linux", "type": "virtual-kubelet"}


def found(snapshot: Snapshot, severity: Severity, **settings: Any) -> list[str]:
    findings = run_checks(CATALOGUE, make_context(snapshot, **settings))
    return [each.line for each in findings if each.severity is severity]


def nodes(*, dead: str = "", step: str = "migrated") -> tuple[Any, ...]:
    labels = LABELS if step else {}
    names = [f"worker-{number}" for number in (1, 2, 3)]
    return tuple(make_node(name, step=step, ready=name != dead, labels=labels) for name in names)


def agent(node: str, *, ready: bool = True) -> Any:
    return make_pod(
        f"cilium-{node}", controller="DaemonSet", namespace="kube-system", node=node, ready=ready, host_network=True,
        labels={"k8s-app": "cilium"}, address="172.30.0.9",
    )  # fmt: skip


AGENTS = tuple(agent(f"worker-{number}") for number in (1, 2, 3))


@pytest.mark.parametrize(
    ("snapshot", "settings", "told"),
    [
        (secondary(nodes=nodes(dead="worker-3")), {"phase": "finalize", "waves": WAVES},
            "node worker-3 is NotReady, and phase 'finalize' acts on every node: bring it back first; or, if its "
            "machine is gone for good, `kubectl delete node worker-3`"),
        (alone(nodes=nodes(dead="worker-3")), {"phase": "cleanup", "waves": WAVES, "cleanup": {"consent": "flannel"}},
            "phase 'cleanup' acts on every node"),
        (make_snapshot(nodes=nodes(dead="worker-2", step="")), {"phase": "secondary"},
            "phase 'secondary' acts on every node"),
        (secondary(nodes=nodes(dead="worker-1", step="")), {"phase": "migrate", "waves": [["worker-1"]]},
            "node worker-1 is NotReady: bring it back first"),
        (secondary(nodes=nodes(), pods=(*AGENTS[:2], agent("worker-3", ready=False))),
            {"phase": "finalize", "waves": WAVES}, "agent kube-system/cilium-worker-3 on node worker-3 is not Ready"),
        (secondary(nodes=nodes(), pods=AGENTS[:2]), {"phase": "finalize", "waves": WAVES},
            "no agent of Cilium runs on node worker-3"),
        (secondary(nodes=nodes(step=""), pods=AGENTS[1:]), {"phase": "migrate", "waves": [["worker-1"]]},
            "no agent of Cilium runs on node worker-1"),
    ],
)  # fmt: skip
def test_what_the_phase_acts_on_must_be_well_before_anything_is_changed(
    snapshot: Snapshot, settings: dict[str, Any], told: str
) -> None:
    assert [told in line for line in found(snapshot, Severity.BLOCKER, **settings)] == [True]


@pytest.mark.parametrize(
    ("snapshot", "settings"),
    [
        (make_snapshot(nodes=nodes(dead="worker-3", step="")), {"phase": "preflight"}),
        (secondary(nodes=nodes(dead="worker-3", step="")), {"phase": "secondary"}),
        (secondary(nodes=nodes(dead="worker-3", step="")), {"phase": "migrate", "waves": [["worker-1"]]}),
        (secondary(nodes=nodes(), pods=(*AGENTS[:2], agent("worker-3", ready=False))),
            {"phase": "migrate", "waves": WAVES}),
        (alone(nodes=nodes(dead="worker-3")), {"phase": "finalize", "waves": WAVES}),
    ],
)  # fmt: skip
def test_an_ill_node_that_the_run_does_not_act_on_stops_nobody(snapshot: Snapshot, settings: dict[str, Any]) -> None:
    assert found(snapshot, Severity.BLOCKER, **settings) == []
    assert any("worker-3" in line for line in found(snapshot, Severity.WARNING, **settings))


@pytest.mark.parametrize("labels", [WINDOWS, VIRTUAL])
@pytest.mark.parametrize("ready", [True, False])
def test_a_node_without_an_agent_stays_as_it_is_and_holds_nothing_up(labels: dict[str, str], ready: bool) -> None:
    other = make_node("other-4", labels=labels, ready=ready)
    for snapshot, settings in (
        (make_snapshot(nodes=(*nodes(step=""), other)), {"phase": "secondary"}),
        (secondary(nodes=(*nodes(step=""), other)), {"phase": "migrate", "waves": [["worker-1"]]}),
        (secondary(nodes=(*nodes(), other), pods=AGENTS), {"phase": "finalize", "waves": WAVES}),
    ):
        assert found(snapshot, Severity.BLOCKER, **settings) == []
        said = found(snapshot, Severity.WARNING, **settings)
        assert any("other-4" in line and "on their network" in line for line in said)
    waves = [["worker-1"], ["other-4"]]
    (line,) = found(secondary(nodes=(*nodes(step=""), other)), Severity.BLOCKER, phase="migrate", waves=waves)
    assert "node other-4 of the waves is no Linux machine" in line


def test_a_node_that_was_not_looked_at_is_said() -> None:
    facts = {name: make_facts() for name in ("worker-1", "worker-2")}
    (line,) = found(secondary(facts=facts), Severity.NOTE, phase="secondary")
    assert "[nodes-inspected] 1 node (worker-3) not looked at" in line


@pytest.mark.parametrize(
    ("there", "named", "meant"),
    [
        ("worker-1", "worker-10", ""),
        ("worker-3", "worker-2", ""),
        ("ip-10-0-1-17.example", "ip-10-0-1-71.example", ""),
        ("pool-a-7f3c-x2kq", "pool-a-7f3c-9wzd", ""),
        ("worker-1", "woker-1", "worker-1"),
        ("worker-1", "worker1", "worker-1"),
        ("ip-10-0-1-17.example", "ip-10-0-117.example", "ip-10-0-1-17.example"),
    ],
)
def test_only_a_slip_of_the_fingers_is_put_right(there: str, named: str, meant: str) -> None:
    """Another number is another node, which is gone: who takes the offer moves a node that nobody thought of."""
    snapshot = secondary(nodes=(replace(make_node("worker-7"), name=there),))
    (line,) = [each for each in found(snapshot, Severity.BLOCKER, phase="migrate", waves=[[named]]) if named in each]
    assert "remove it from waves" in line
    assert ("did you mean" in line) is bool(meant)
    assert not meant or line.endswith(f"did you mean {meant}?")

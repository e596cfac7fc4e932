"""Facts kept of a node never block a run that reads them anew."""

from typing import Any

import pytest

from components.checks import CATALOGUE, Severity, run_checks
from components.operations.snapshot import Snapshot
from tests.builders import make_context, make_facts, make_node, make_snapshot, secondary

CONF = make_facts(cni_conf=("05-cilium.conflist",))
ASIDE = make_facts(cni_conf=("10-flannel.conflist", "10-flannel.conflist.cilium_bak"))
KERNEL = make_facts(kernel_lacks=("NET_CLS_BPF",))
TUNNEL = make_facts(kernel_lacks=("VXLAN",))
BLOCKER, WARNING = Severity.BLOCKER, Severity.WARNING


def judged(snapshot: Snapshot, **settings: Any) -> dict[str, tuple[Severity, str]]:
    wanted = ("cilium-leftovers", "kernel-features")
    found = run_checks(CATALOGUE, make_context(snapshot, **settings))
    return {each.check: (each.severity, each.remedy) for each in found if each.check in wanted}


@pytest.mark.parametrize(
    ("facts", "check", "later"),
    [
        (CONF, "cilium-leftovers", BLOCKER),
        (ASIDE, "cilium-leftovers", WARNING),
        (KERNEL, "kernel-features", BLOCKER),
        (TUNNEL, "kernel-features", BLOCKER),
    ],
    ids=["a conf", "a conf put aside", "a kernel", "a tunnel"],
)
def test_a_run_that_looks_anew_is_not_refused_for_what_was_seen_before(facts: Any, check: str, later: Severity) -> None:
    seen = make_snapshot(facts={"worker-1": facts})
    for phase, severity in (("preflight", WARNING), ("secondary", later)):
        found, remedy = judged(seen, phase=phase)[check]
        assert found is severity
        assert "look again with `pulumi up` in 'preflight'" in remedy


def test_what_is_seen_by_then_is_judged() -> None:
    assert (
        judged(make_snapshot(facts={"worker-1": make_facts(cni_conf=("10-flannel.conflist",))}), phase="secondary")
        == {}
    )


def test_a_kernel_of_a_node_that_joined_late_is_no_reason_to_go_back() -> None:
    """Cilium is there: 'preflight' would remove it."""
    late = secondary(nodes=(make_node("worker-1"), make_node("worker-4")), facts={"worker-4": KERNEL})
    severity, remedy = judged(late, phase="migrate", waves=[["worker-1"]])["kernel-features"]
    assert severity is BLOCKER
    assert "preflight" not in remedy
    said = {"acknowledge": {"kernel-features": "they have another kernel now"}}
    assert judged(late, phase="migrate", waves=[["worker-1"]], **said)["kernel-features"][0] is WARNING

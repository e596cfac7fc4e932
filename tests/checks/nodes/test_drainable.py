from typing import Any

from components.checks.catalogue import CATALOGUE
from components.checks.framework.check import run_checks
from tests.builders import make_budget, make_context, make_node, make_pod, secondary


def found(snapshot: Any, **drain: Any) -> dict[str, str]:
    context = make_context(snapshot, phase="migrate", waves=[["worker-1"]], drain=drain)
    lines: dict[str, str] = {}
    for each in run_checks(CATALOGUE, context):
        if each.check == "drainable":
            lines[each.severity.value] = f"{lines.get(each.severity.value, '')}{each.line}\n"
    return lines


def test_an_only_replica_is_a_note() -> None:
    lines = found(secondary(pods=(make_pod("db"),)))
    assert set(lines) == {"note"}
    assert "pod default/db is the only replica of ReplicaSet db-owner" in lines["note"]


def test_budgets_do_not_matter_to_a_drain_without_evictions() -> None:
    budgets = (make_budget("pdb", app="web", healthy=1, desired=1),)
    snapshot = secondary(pods=(make_pod("web"),), budgets=budgets)
    assert "blocker" in found(snapshot)
    assert set(found(snapshot, disableEviction=True)) == {"note"}


def test_what_the_selector_leaves_out_blocks_nothing() -> None:
    snapshot = secondary(pods=(make_pod("bare", controller=""),))
    assert "blocker" in found(snapshot)
    lines = found(snapshot, podSelector="move=yes")
    assert set(lines) == {"warning"}
    assert "is outside drain.podSelector" in lines["warning"]


def test_in_place_a_cordoned_node_is_told() -> None:
    pods = (
        make_pod("db"),
        make_pod("host", host_network=True, controller=""),
        make_pod("old", phase="Failed"),
    )
    assert set(found(secondary(pods=pods), inPlace=True)) == {"note"}
    nodes = (make_node("worker-1", unschedulable=True), make_node("worker-2"))
    lines = found(secondary(nodes=nodes, pods=pods), inPlace=True)
    assert "node worker-1 is cordoned, so with drain.inPlace its pods cannot come back to it" in lines["warning"]

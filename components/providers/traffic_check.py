"""The work of the connectivity check's provider: traffic before and after a change, judged by the budget."""

from typing import Any

from components.names import NAMESPACE
from components.operations.deadline import OperationError
from components.operations.events import OVER_BUDGET, tell
from components.operations.probes.traffic import (
    Change,
    assert_quiet,
    judge,
    moment,
    record_of,
    refusal,
    restart_of,
    totals_of,
)
from components.operations.progress import Progress
from components.operations.turn.turn_record import record_of_turn
from components.operations.turn_annotations import TRAFFIC_TOLD, TurnStep, node_path, now, read_node, step_of
from components.providers.shared.config_and_cluster import Work

_NAMESPACE = f"/api/v1/namespaces/{NAMESPACE}"
_UNDER_WAY = (TurnStep.SWITCHING, TurnStep.DRAINING, TurnStep.DRAINED)


def look_before(work: Work, props: dict[str, Any]) -> dict[str, Any]:
    """Check for losses before the change, unless it is under way or over; returns the outputs."""
    steps = [step_of(read_node(work.cluster, node)) for node in props["nodes"]]
    if steps and all(step is TurnStep.MIGRATED for step in steps):
        return {"at": "", "traffic": {}}  # a stack whose state was lost: the wave was over before
    began = now()
    # An interrupted wave continues regardless of its losses, which are counted at its end.
    if not any(step in _UNDER_WAY for step in steps):
        change = _change(props)
        assert_quiet(work.cluster, change=change, rules=work.traffic_rules(), progress=Progress(change.title, 1))
    return {"at": began, "traffic": {}}


def count_after(work: Work, props: dict[str, Any]) -> dict[str, Any]:
    """Count the losses of the change and compare them with the budget; returns the outputs."""
    change, nodes, since = _change(props), list(props["nodes"]), str(props["since"] or "")
    if not since:
        return {"at": now(), "traffic": {}}
    restarts = [restart_of(node, record_of_turn(read_node(work.cluster, node))) for node in nodes]
    rules = work.traffic_rules()
    measurement, lost = judge(
        work.cluster,
        change=change,
        since=moment(since),
        restarts=[each for each in restarts if each],
        rules=rules,
        progress=Progress(change.title, 1),
    )
    if lost:
        _tell_once(work, change, lost, nodes=nodes, since=since)
    traffic = {node: totals_of(measurement, node) for node in nodes} if nodes else record_of(measurement)
    return {"at": now(), "traffic": traffic, "budget": rules.budget.text, "overBudget": lost}


def _tell_once(work: Work, change: Change, lost: list[str], *, nodes: list[str], since: str) -> None:
    """Fail the run that exceeded the budget, once; the next run goes on."""
    path = node_path(nodes[0]) if nodes else _NAMESPACE
    annotations = work.cluster.get(path)["metadata"].get("annotations") or {}
    if annotations.get(TRAFFIC_TOLD) == since:
        return
    work.cluster.patch(path, {"metadata": {"annotations": {TRAFFIC_TOLD: since}}})
    if nodes:  # The engine keeps no outputs of what failed: here a report and a live view find it.
        tell(work.cluster, nodes[0], reason=OVER_BUDGET, message=refusal(change, lost), warning=True)
    raise OperationError(refusal(change, lost))


def _change(props: dict[str, Any]) -> Change:
    title = str(props["change"])
    return Change.of_wave(title) if props["nodes"] else Change(title=title, way_back=str(props["wayBack"] or ""))

"""Holds a change back while traffic is lost, and the next one when it lost more than its budget allows."""

from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, Resource, UpdateResult

from components.names import NAMESPACE
from components.operations.deadline import OperationError
from components.operations.events import tell
from components.operations.marks import TRAFFIC_TOLD, TurnStep, node_path, now, read_node, step_of
from components.operations.progress import Progress
from components.operations.traffic import (
    Change,
    assert_quiet,
    judge,
    moment,
    record_of,
    refusal,
    restart_of,
)
from components.providers.base import ClusterProvider, Properties, results

BEFORE, AFTER = "before", "after"
_NAMESPACE = f"/api/v1/namespaces/{NAMESPACE}"
_UNDER_WAY = (TurnStep.SWITCHING, TurnStep.DRAINING, TurnStep.DRAINED)


class ConnectivityCheckProvider(ClusterProvider):
    """Reads every probe; changes nothing but a mark that the operator was told of the loss."""

    meaningful = ("nodes", "digest")

    def create(self, props: Properties) -> CreateResult:
        """Look at the traffic before the change, or count what the change cost."""
        return CreateResult(id_=f"{props['change']}-{props['moment']}", outs=results(props, self._check(props)))

    def update(self, _id: str, _olds: Properties, _news: Properties) -> UpdateResult:
        """The same for nodes that came into a wave; nothing for those that left it.

        A phase that is entered already is being mended, maybe because traffic is lost: that forbids nothing.
        """
        if _news["nodes"] and set(_news["nodes"]) <= set(_olds["nodes"]):
            return UpdateResult(outs=results(_olds, {"nodes": _news["nodes"]}))
        if not _news["nodes"] and _news["moment"] == BEFORE:
            return UpdateResult(outs=results(_news, {"at": now(), "traffic": {}}))
        return UpdateResult(outs=results(_news, self._check(_news)))

    def _check(self, props: Properties) -> dict[str, Any]:
        if not self.config.traffic.enabled:
            return {"at": "", "traffic": {}}
        return self._before(props) if props["moment"] == BEFORE else self._after(props)

    def _before(self, props: Properties) -> dict[str, Any]:
        steps = [step_of(read_node(self.cluster, node)) for node in props["nodes"]]
        if steps and all(step is TurnStep.MIGRATED for step in steps):
            return {"at": "", "traffic": {}}  # a stack that is made anew: the wave was over before
        began = now()
        # A wave that was broken off is gone on with, whatever it has lost: what it lost counts at its end.
        if not any(step in _UNDER_WAY for step in steps):
            change = _change(props)
            assert_quiet(self.cluster, change=change, rules=self.traffic_rules(), progress=Progress(change.title, 1))
        return {"at": began, "traffic": {}}

    def _after(self, props: Properties) -> dict[str, Any]:
        change, nodes, since = _change(props), list(props["nodes"]), str(props["since"] or "")
        if not since:
            return {"at": now(), "traffic": {}}
        restarts = [restart_of(node, turn) for node, turn in (props.get("turns") or {}).items()]
        rules = self.traffic_rules()
        measurement, lost = judge(
            self.cluster,
            change=change,
            since=moment(since),
            restarts=[each for each in restarts if each],
            rules=rules,
            progress=Progress(change.title, 1),
        )
        if lost:
            self._tell_once(change, lost, nodes=nodes, since=since)
        traffic = {node: record_of(measurement, node) for node in nodes} if nodes else record_of(measurement)
        return {"at": now(), "traffic": traffic, "budget": rules.budget.text, "overBudget": lost}

    def _tell_once(self, change: Change, lost: list[str], *, nodes: list[str], since: str) -> None:
        """Fail the run that lost too much; the next one was told, and goes on."""
        path = node_path(nodes[0]) if nodes else _NAMESPACE
        annotations = self.cluster.get(path)["metadata"].get("annotations") or {}
        if annotations.get(TRAFFIC_TOLD) == since:
            return
        self.cluster.patch(path, {"metadata": {"annotations": {TRAFFIC_TOLD: since}}})
        if nodes:  # The engine keeps no outputs of what failed: here a report and a live view find it.
            tell(self.cluster, nodes[0], reason="MigrationTraffic", message=refusal(change, lost), warning=True)
        raise OperationError(refusal(change, lost))


def _change(props: Properties) -> Change:
    title = str(props["change"])
    return Change.of_wave(title) if props["nodes"] else Change(title=title, way_back=str(props["wayBack"] or ""))


class ConnectivityCheck(Resource, module="migrate", name="ConnectivityCheck"):
    """The traffic `before` or `after` a change: a wave of `nodes`, or a phase.

    `since` is when the change began, `turns` are the records of its nodes, another `digest` makes it another change.
    """

    at: pulumi.Output[str]
    traffic: pulumi.Output[dict[str, Any]]
    budget: pulumi.Output[str]
    overBudget: pulumi.Output[list[str]]  # noqa: N815 (the name in the stack's outputs)

    def __init__(
        self,
        name: str,
        *,
        change: str,
        moment: str,
        nodes: list[str] | None = None,
        since: pulumi.Input[str] = "",
        turns: pulumi.Input[dict[str, Any]] | None = None,
        digest: str = "",
        way_back: str = "",
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {
            "change": change,
            "moment": moment,
            "nodes": nodes or [],
            "since": since,
            "turns": turns or {},
            "digest": digest,
            "wayBack": way_back,
        }
        outcome = dict.fromkeys(("at", "traffic", "budget", "overBudget"))
        super().__init__(ConnectivityCheckProvider(), name, {**inputs, **outcome}, opts)

    @property
    def record(self) -> dict[str, pulumi.Output[Any]]:
        """What the change was held to and which flows broke that; a check of an earlier version has neither."""
        return {
            "budget": self.budget.apply(lambda found: found or ""),
            "overBudget": self.overBudget.apply(lambda found: found or []),
        }

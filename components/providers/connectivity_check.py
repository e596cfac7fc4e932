"""Holds a wave back while traffic is lost, and the next one when the wave lost more than its budget allows."""

from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, Resource, UpdateResult

from components.operations.deadline import OperationError
from components.operations.events import tell
from components.operations.marks import TRAFFIC_TOLD, TurnStep, node_path, now, read_node, step_of
from components.operations.progress import Progress
from components.operations.traffic import (
    assert_quiet,
    budget_record,
    judge_wave,
    moment,
    record_of,
    refusal,
    restart_of,
)
from components.providers.base import ClusterProvider, Properties, results

BEFORE, AFTER = "before", "after"


class ConnectivityCheckProvider(ClusterProvider):
    """Reads every probe; changes nothing but a mark on a node, that its operator was told of the loss."""

    meaningful = ("nodes",)

    def create(self, props: Properties) -> CreateResult:
        """Look at the traffic before the wave, or count what the wave cost."""
        return CreateResult(id_=f"{props['wave']}-{props['moment']}", outs=results(props, self._check(props)))

    def update(self, _id: str, _olds: Properties, _news: Properties) -> UpdateResult:
        """The same for nodes that came into the wave; nothing for those that left it."""
        if set(_news["nodes"]) <= set(_olds["nodes"]):
            return UpdateResult(outs=results(_olds, {"nodes": _news["nodes"]}))
        return UpdateResult(outs=results(_news, self._check(_news)))

    def _check(self, props: Properties) -> dict[str, Any]:
        if not self.config.traffic.enabled:
            return {"at": "", "traffic": {}}
        return self._before(props) if props["moment"] == BEFORE else self._after(props)

    def _before(self, props: Properties) -> dict[str, Any]:
        steps = [step_of(read_node(self.cluster, node)) for node in props["nodes"]]
        if all(step is TurnStep.MIGRATED for step in steps):
            return {"at": "", "traffic": {}}  # a stack that is made anew: the wave was over before
        began = now()
        # A wave that was broken off is gone on with, whatever it has lost: what it lost counts at its end.
        if not any(step in (TurnStep.SWITCHING, TurnStep.DRAINING, TurnStep.DRAINED) for step in steps):
            wave = props["wave"]
            assert_quiet(self.cluster, wave=wave, rules=self.traffic_rules(), progress=Progress(wave, 1))
        return {"at": began, "traffic": {}}

    def _after(self, props: Properties) -> dict[str, Any]:
        wave, nodes, since = props["wave"], list(props["nodes"]), str(props["since"] or "")
        if not since:
            return {"at": now(), "traffic": {}}
        restarts = [restart_of(node, turn) for node, turn in (props.get("turns") or {}).items()]
        rules = self.traffic_rules()
        measurement, lost = judge_wave(
            self.cluster,
            wave=wave,
            since=moment(since),
            restarts=[each for each in restarts if each],
            rules=rules,
            progress=Progress(wave, 1),
        )
        if lost and read_node(self.cluster, nodes[0]).annotations.get(TRAFFIC_TOLD) != since:
            self.cluster.patch(node_path(nodes[0]), {"metadata": {"annotations": {TRAFFIC_TOLD: since}}})
            # The engine keeps no outputs of what failed: here a report and a live view find it.
            tell(self.cluster, nodes[0], reason="MigrationTraffic", message=refusal(wave, lost), warning=True)
            raise OperationError(refusal(wave, lost))
        traffic = {node: record_of(measurement, node) for node in nodes}
        return {"at": now(), "traffic": traffic, "budget": budget_record(rules.budget), "overBudget": lost}


class ConnectivityCheck(Resource, module="migrate", name="ConnectivityCheck"):
    """The traffic `before` or `after` a wave; `since` is when the wave began, `turns` are its nodes' records."""

    at: pulumi.Output[str]
    traffic: pulumi.Output[dict[str, Any]]
    budget: pulumi.Output[dict[str, Any]]
    overBudget: pulumi.Output[list[str]]  # noqa: N815 (the name in the stack's outputs)

    def __init__(
        self,
        name: str,
        *,
        wave: str,
        moment: str,
        nodes: list[str],
        since: pulumi.Input[str] = "",
        turns: pulumi.Input[dict[str, Any]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {"wave": wave, "moment": moment, "nodes": nodes, "since": since, "turns": turns or {}}
        outcome = dict.fromkeys(("at", "traffic", "budget", "overBudget"))
        super().__init__(ConnectivityCheckProvider(), name, {**inputs, **outcome}, opts)

"""Blocks a change while traffic is lost, and blocks the next change if this one exceeded its traffic budget."""

from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, Resource, UpdateResult

from components.providers.shared.base import ClusterProvider, Properties, results

BEFORE, AFTER = "before", "after"


class ConnectivityCheckProvider(ClusterProvider):
    """Reads every probe; changes nothing except an annotation that the user was told of the loss.

    The check before a wave is in the state from its first moment on. So it also takes back nodes whose turns were
    broken off, which no resource of their own holds, once they leave the wave or it goes.
    """

    meaningful = ("nodes", "digest")

    def create(self, props: Properties) -> CreateResult:
        """Check the traffic before the change, or count the losses of the change."""
        return CreateResult(id_=f"{props['change']}-{props['moment']}", outs=results(props, self._check(props)))

    def update(self, _id: str, _olds: Properties, _news: Properties) -> UpdateResult:
        """Check again for nodes added to a wave; nothing for nodes that left it.

        In a phase that was entered already, losses block nothing: this run may be the repair.
        """
        self._take_back(_olds, set(_olds["nodes"]) - set(_news["nodes"]) - set(self.work.config.nodes))
        if _news["nodes"] and set(_news["nodes"]) <= set(_olds["nodes"]):
            return UpdateResult(outs=results(_olds, {"nodes": _news["nodes"]}))
        if not _news["nodes"] and _news["moment"] == BEFORE:
            return UpdateResult(outs=results(_news, {"at": _now(), "traffic": {}}))
        return UpdateResult(outs=results(_news, self._check(_news)))

    def delete(self, _id: str, _props: Properties) -> None:
        """Take back what is left of the wave."""
        self._take_back(_props, set(_props["nodes"]))

    def _take_back(self, props: Properties, nodes: set[str]) -> None:
        from components.operations.turn import take_back, unfinished

        if not nodes or props["moment"] != BEFORE:
            return
        if broken_off := unfinished(self.work.cluster, nodes):
            take_back(self.work.working_cluster(), [self.work.turn(node) for node in broken_off])

    def _check(self, props: Properties) -> dict[str, Any]:
        from components.providers.traffic_check import count_after, look_before

        if not self.work.config.traffic.enabled:
            return {"at": "", "traffic": {}}
        return look_before(self.work, props) if props["moment"] == BEFORE else count_after(self.work, props)


def _now() -> str:
    from components.operations.turn_annotations import now

    return now()


class ConnectivityCheck(Resource, module="migrate", name="ConnectivityCheck"):
    """The traffic `before` or `after` a change: a wave of `nodes`, or a phase.

    `since` is the start of the change; a new `digest` marks a new change.
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
        digest: str = "",
        way_back: str = "",
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {
            "change": change,
            "moment": moment,
            "nodes": nodes or [],
            "since": since,
            "digest": digest,
            "wayBack": way_back,
        }
        outcome = dict.fromkeys(("at", "traffic", "budget", "overBudget"))
        super().__init__(ConnectivityCheckProvider(), name, {**inputs, **outcome}, opts)

    @property
    def record(self) -> dict[str, pulumi.Output[Any]]:
        """The change's budget and the flows that broke it; missing in checks of earlier versions."""
        return {
            "budget": self.budget.apply(lambda found: found or ""),
            "overBudget": self.overBudget.apply(lambda found: found or []),
        }

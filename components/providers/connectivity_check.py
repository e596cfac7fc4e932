"""Blocks a change while traffic is lost, and blocks the next change if this one exceeded its traffic budget."""

from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, Resource, UpdateResult

from components.providers.shared.base import ClusterProvider, Properties, results

BEFORE, AFTER = "before", "after"


class ConnectivityCheckProvider(ClusterProvider):
    """Reads every probe; changes nothing except an annotation that the user was told of the loss."""

    meaningful = ("nodes", "digest")

    def create(self, props: Properties) -> CreateResult:
        """Check the traffic before the change, or count the losses of the change."""
        return CreateResult(id_=f"{props['change']}-{props['moment']}", outs=results(props, self._check(props)))

    def update(self, _id: str, _olds: Properties, _news: Properties) -> UpdateResult:
        """Check again for nodes added to a wave; nothing for nodes that left it.

        In a phase that was entered already, losses block nothing: this run may be the repair.
        """
        if _news["nodes"] and set(_news["nodes"]) <= set(_olds["nodes"]):
            return UpdateResult(outs=results(_olds, {"nodes": _news["nodes"]}))
        if not _news["nodes"] and _news["moment"] == BEFORE:
            return UpdateResult(outs=results(_news, {"at": _now(), "traffic": {}}))
        return UpdateResult(outs=results(_news, self._check(_news)))

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

    `since` is the start of the change, `turns` are the records of its nodes; a new `digest` marks a new change.
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
        """The change's budget and the flows that broke it; missing in checks of earlier versions."""
        return {
            "budget": self.budget.apply(lambda found: found or ""),
            "overBudget": self.overBudget.apply(lambda found: found or []),
        }

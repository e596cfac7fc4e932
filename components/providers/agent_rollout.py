"""Restarts every agent with the final settings; on deletion, with the migration's settings."""

from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, Resource, UpdateResult

from components.providers.shared.base import ClusterProvider, Properties, results


class AgentRolloutProvider(ClusterProvider):
    """Restarts the agents, a few at a time."""

    meaningful = ("settings", "digest")

    def _roll(self, settings: dict[str, str], digest: str) -> dict[str, Any]:
        from components.operations.progress import Progress
        from components.operations.turn_annotations import now
        from components.operations.turn_steps.rollout import assert_tunnels, roll_agents
        from components.plurals import many

        cilium = self.work.cilium()
        progress = Progress("Cilium", 1)
        progress.step("agents")
        outcome = roll_agents(
            self.work.working_cluster(),
            namespace=cilium.namespace,
            settings=settings,
            digest=digest,
            timeout_seconds=cilium.timeout_seconds,
            progress=progress,
        )
        assert_tunnels(
            self.work.cluster, namespace=cilium.namespace, protocol=cilium.tunnel_protocol, progress=progress
        )
        seconds = progress.done(f"{many(outcome['agents'], 'agent')} run with the settings wanted")
        return {**outcome, "seconds": seconds, "at": now()}

    def create(self, props: Properties) -> CreateResult:
        """Restart every agent."""
        return CreateResult(id_="agents", outs=results(props, self._roll(props["settings"], props["digest"])))

    def update(self, _id: str, _olds: Properties, _news: Properties) -> UpdateResult:
        """Restart every agent with other settings."""
        return UpdateResult(outs=results(_news, self._roll(_news["settings"], _news["digest"])))

    def delete(self, _id: str, _props: Properties) -> None:
        """Restart every agent with the migration's settings, which the release has by now; no-op if Cilium goes too."""
        from components.operations.objects.live_config import manages_every_node, read_live_config
        from components.operations.turn_annotations import now
        from stacks.values import live_settings, migration_values

        live = read_live_config(self.work.cluster, namespace=self.work.config.cilium.namespace)
        if live is None or manages_every_node(live):
            return
        self._roll(live_settings(migration_values(self.work.cilium())), f"back-{now()}")


class AgentRollout(Resource, module="finalize", name="AgentRollout"):
    """Agents that run with `settings`; `digest` covers all values, so that any change restarts the agents."""

    agents: pulumi.Output[int]

    def __init__(
        self,
        name: str,
        *,
        settings: dict[str, str],
        digest: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        props = {"settings": settings, "digest": digest, "agents": None, "seconds": None, "at": None}
        super().__init__(AgentRolloutProvider(), name, props, opts)

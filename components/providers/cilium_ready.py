"""Blocks the migration until Cilium works beside the old CNI: live settings, agents, tunnels, CiliumNodeConfig."""

from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, Resource, UpdateResult

from components.providers.shared.base import ClusterProvider, Properties, results


class CiliumReadyProvider(ClusterProvider):
    """Waits and verifies; changes nothing."""

    meaningful = ("settings", "release")

    def _assert(self, settings: dict[str, str]) -> dict[str, Any]:
        from components.operations.progress import Progress
        from components.operations.turn_annotations import now
        from components.operations.turn_steps.rollout import (
            assert_settings,
            assert_tunnels,
            wait_for_agents,
            wait_for_node_config_kind,
        )
        from components.plurals import many

        cilium, cluster = self.work.cilium(), self.work.cluster
        progress = Progress("Cilium", 3)
        progress.step("settings")
        assert_settings(cluster, namespace=cilium.namespace, wanted=settings)
        progress.step("agents")
        count = wait_for_agents(
            cluster, namespace=cilium.namespace, timeout_seconds=cilium.timeout_seconds, progress=progress
        )
        wait_for_node_config_kind(
            cluster, api_version=cilium.node_config_version, timeout_seconds=cilium.timeout_seconds
        )
        progress.step("tunnels")
        assert_tunnels(cluster, namespace=cilium.namespace, protocol=cilium.tunnel_protocol, progress=progress)
        seconds = progress.done(f"{many(count, 'agent')} run with the settings wanted")
        return {"agents": count, "seconds": seconds, "at": now()}

    def create(self, props: Properties) -> CreateResult:
        """Wait and verify."""
        return CreateResult(id_="cilium", outs=results(props, self._assert(props["settings"])))

    def update(self, _id: str, _olds: Properties, _news: Properties) -> UpdateResult:
        """Wait and verify again, with other settings."""
        return UpdateResult(outs=results(_news, self._assert(_news["settings"])))


class CiliumReady(Resource, module="secondary", name="CiliumReady"):
    """The required live Cilium; `settings` are entries of its ConfigMap, `release` makes it depend on the release."""

    agents: pulumi.Output[int]

    def __init__(
        self,
        name: str,
        *,
        settings: dict[str, str],
        release: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        props = {"settings": settings, "release": release, "agents": None, "seconds": None, "at": None}
        super().__init__(CiliumReadyProvider(), name, props, opts)

"""The stack's config and cluster for the providers' operations; imported only once a provider has work to do.

A run without changes only asks providers for diffs, and never imports this module.
"""

import json
from functools import cached_property
from pathlib import Path
from typing import Any

from pulumi.dynamic import Config

from components.killed_runs import end_left_plugins
from components.names import NAMESPACE
from components.operations.cluster_api.api import Cluster, connect
from components.operations.deadline import OperationError
from components.operations.lease import hold_on
from components.operations.objects.live_config import read_live_config
from components.operations.probes.traffic import Rules
from components.operations.snapshot import RECORD, SETTLED
from components.operations.turn import Turn
from components.operations.turn_steps.restart import Restart
from components.pods import OurPods
from components.probe.budget import Allowance, Budget
from components.probe.records import Networks
from components.settling import settled_by_record
from components.sources.description import SourceDescription
from components.strategies.rooms import recipe_of
from stacks.config import StackConfig, parse_config
from stacks.settle import Cilium
from stacks.values import CNI_CONF


class Work:
    """Everything that an operation on the stack's cluster needs; `settings` are the engine's."""

    def __init__(self, settings: Config) -> None:
        self._settings = settings

    @cached_property
    def config(self) -> StackConfig:
        """The stack's config."""
        raw: dict[str, Any] = {key: self._settings.get(key) for key in StackConfig.config_keys()}
        return parse_config({key: value for key, value in raw.items() if value is not None})

    @property
    def cluster(self) -> Cluster:
        """The cluster's API; its first change takes the Lease that every change needs."""
        cluster = connect(
            kubeconfig=str(self._settings.get("kubernetes:kubeconfig") or ""),
            context=str(self._settings.get("kubernetes:context") or ""),
        )
        hold_on(cluster)
        return cluster

    def working_cluster(self) -> Cluster:
        """The cluster's API for a run that changes it; raises OperationError if another run is at work.

        It also ends plugins of a killed run, as a `destroy` runs no program that would have done so before.
        """
        end_left_plugins(Path.cwd())
        hold_on(self.cluster).take()
        return self.cluster

    def source(self) -> SourceDescription:
        """The old CNI, as recorded at `preflight`."""
        return SourceDescription.model_validate_json(self._record()["source"])

    def cilium(self) -> Cilium:
        """Cilium's fully resolved settings, as recorded at `preflight`, and as it runs."""
        record = self._record()
        live = read_live_config(self.cluster, namespace=self.config.cilium.namespace)
        if SETTLED not in record and live is None:
            raise OperationError(
                f"ConfigMap {NAMESPACE}/{RECORD} does not say what Cilium's network shall be; `pulumi up` writes it"
            )
        return settled_by_record(
            self.config.cilium,
            title=SourceDescription.model_validate_json(record["source"]).title,
            recorded=json.loads(record.get(SETTLED) or "{}"),
            live=live,
        )

    def _record(self) -> dict[str, str]:
        return dict(self.cluster.get(f"/api/v1/namespaces/{NAMESPACE}/configmaps/{RECORD}")["data"])

    def traffic_rules(self) -> Rules:
        """The traffic budget of a wave, with its durations."""
        traffic = self.config.traffic
        return Rules(
            budget=Budget(
                kinds={kind: Allowance(**each.model_dump()) for kind, each in traffic.budget.items()},
                pause_ms=traffic.pause_ms,
            ),
            networks=Networks(old=self.source().pod_networks, new=self.cilium().pools),
            baseline_seconds=traffic.baseline_seconds,
            soak_seconds=traffic.soak_seconds,
            deadline_seconds=traffic.deadline_seconds,
        )

    def turn(self, node: str) -> Turn:
        """The settings of the node's turn."""
        config, source, cilium = self.config, self.source(), self.cilium()
        return Turn(
            node=node,
            recipe=recipe_of(config.chosen_strategy),
            cilium_namespace=config.cilium.namespace,
            cilium_network=cilium.pod_cidr,
            cni_conf=CNI_CONF,
            cni_folder=cilium.cni_conf_path,
            label=config.chosen_strategy.switch_label,
            source_title=source.title,
            source_networks=source.pod_networks,
            drain=config.drain,
            restart=Restart(
                method=config.restart.method.value,
                command=config.restart.command,
                timeout_seconds=config.restart.timeout_seconds,
                agent_timeout_seconds=config.cilium.timeout_seconds,
                cilium_namespace=config.cilium.namespace,
                pods=OurPods.of(config),
            ),
            agent_timeout_seconds=config.cilium.timeout_seconds,
            verify_timeout_seconds=config.probe.timeout_seconds,
            pods=OurPods.of(config),
            watched=tuple(config.preflight.watched),
            watched_timeout_seconds=config.preflight.watched_timeout_seconds,
            hold=config.hold_autoscalers,
        )

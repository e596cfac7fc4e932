"""What every dynamic provider of ours shares: the cluster, the stack's config, and errors without stack traces."""

import json
import logging
from collections.abc import Mapping
from typing import Any

from pulumi.dynamic import ConfigureRequest, DiffResult, ResourceProvider

from components.names import NAMESPACE
from components.operations.api import Cluster, connect
from components.operations.deadline import OperationError
from components.operations.drain_plan import DrainOptions
from components.operations.lease import hold
from components.operations.live_config import read_live_config
from components.operations.restart import Restart
from components.operations.snapshot import RECORD, SETTLED
from components.operations.traffic import Rules
from components.operations.turn import Turn
from components.probe.budget import Allowance, Budget
from components.probe.records import Networks
from components.providers import engine_process
from components.settling import settled_by_record
from components.sources.description import SourceDescription
from stacks.config import StackConfig, parse_config
from stacks.settle import Cilium
from stacks.values import CNI_CONF, MIGRATED_LABEL

# The engine shows an error's own text; the server's stack trace beside it would bury that.
logging.getLogger("grpc._server").setLevel(logging.CRITICAL)

Properties = dict[str, Any]


class ClusterProvider(ResourceProvider):
    """A provider that acts on the cluster of the stack's config.

    Options are read from the config when they are needed and never kept in state, so that changing one shows no
    update of nodes that have long been migrated. `meaningful` names the inputs whose change is an update.
    """

    serialize_as_secret_always = False
    meaningful: tuple[str, ...] = ()
    replacing: tuple[str, ...] = ()

    def configure(self, req: ConfigureRequest) -> None:
        """Read the stack's config, and make the engine's process fit for a wave."""
        engine_process.prepare()
        raw = {key: req.config.get(key) for key in StackConfig.config_keys()}
        self._config = parse_config({key: value for key, value in raw.items() if value is not None})
        self._kubeconfig = str(req.config.get("kubernetes:kubeconfig") or "")
        self._context = str(req.config.get("kubernetes:context") or "")

    def __getstate__(self) -> dict[str, Any]:
        """Nothing is kept with the class's name in state."""
        return {}

    @property
    def config(self) -> StackConfig:
        """The stack's config."""
        return self._config

    def working_cluster(self) -> Cluster:
        """The cluster's API for a run that changes it; raises OperationError if another run does so already."""
        hold(self.cluster)
        return self.cluster

    @property
    def cluster(self) -> Cluster:
        """The cluster's API."""
        return connect(kubeconfig=self._kubeconfig, context=self._context)

    def source(self) -> SourceDescription:
        """The old CNI, as written down at `preflight`."""
        return SourceDescription.model_validate_json(self._record()["source"])

    def cilium(self) -> Cilium:
        """Cilium's settings with nothing left open, as written down at `preflight`, and as it runs."""
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
        """What a wave may cost."""
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
        """Everything that the node's turn needs to know."""
        config, source = self.config, self.source()
        return Turn(
            node=node,
            cilium_namespace=config.cilium.namespace,
            cilium_network=self.cilium().pod_cidr,
            cni_conf=CNI_CONF,
            label=MIGRATED_LABEL,
            source_title=source.title,
            source_networks=source.pod_networks,
            drain=DrainOptions(**config.drain.model_dump()),
            restart=Restart(
                method=config.restart.method.value,
                command=config.restart.command,
                timeout_seconds=config.restart.timeout_seconds,
                agent_timeout_seconds=config.cilium.timeout_seconds,
                cilium_namespace=config.cilium.namespace,
                image=config.probe.image,
            ),
            agent_timeout_seconds=config.cilium.timeout_seconds,
            verify_timeout_seconds=config.probe.timeout_seconds,
            image=config.probe.image,
            watched=tuple(config.preflight.watched),
            watched_timeout_seconds=config.preflight.watched_timeout_seconds,
        )

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> DiffResult:
        """Only a meaningful input is a change; code and options are not."""
        changed = [key for key in (*self.meaningful, *self.replacing) if _olds.get(key) != _news.get(key)]
        return DiffResult(changes=bool(changed), replaces=[key for key in changed if key in self.replacing])


def results(inputs: Mapping[str, Any], outcome: Mapping[str, Any]) -> Properties:
    """What is kept in state: the inputs and what came of them."""
    return {**{key: value for key, value in inputs.items() if not key.startswith("__")}, **outcome}

"""Phase `preflight`: write down what the old CNI is, look at every node, put the probe into the cluster."""

import json
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from components import probe
from components.operations.marks import now
from components.operations.snapshot import RECORD, SETTLED
from components.plan import MigrationPlan
from components.probe import manifests
from components.providers.node_inspection import LOOKED, NodeInspection
from components.sources.description import SEEN_ON_NODES
from stacks.phases import Phase


class Preflight(pulumi.ComponentResource):
    """What every later phase relies on; taking it back removes all that we brought but Cilium."""

    def __init__(self, plan: MigrationPlan, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cni-live-migration:phase:Preflight", "preflight", None, opts)
        namespace = kubernetes.core.v1.Namespace(
            "namespace",
            metadata={
                "name": probe.NAMESPACE,
                # Scripts on nodes run in short-lived privileged pods; the probe itself is restricted all the same.
                "labels": {"pod-security.kubernetes.io/enforce": "privileged"},
            },
            opts=pulumi.ResourceOptions(parent=self),
        )
        inside = pulumi.ResourceOptions(parent=self, depends_on=[namespace])
        record = kubernetes.core.v1.ConfigMap(
            "record",
            metadata={"name": RECORD, "namespace": probe.NAMESPACE},
            data={
                "source": plan.source.model_dump_json(indent=1, exclude=SEEN_ON_NODES),
                "strategy": plan.config.strategy,
                SETTLED: json.dumps(plan.cilium.record(), indent=1),
            },
            opts=inside,
        )
        self._probe(plan.config.probe.image, inside)
        self.inspection = NodeInspection(
            "nodes",
            nodes=plan.nodes,
            # In its own phase it looks anew at each run: that is what one runs it for.
            look=now() if plan.config.phase is Phase.PREFLIGHT else LOOKED,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[namespace, record]),
        )
        self.register_outputs({})

    @staticmethod
    def _probe(image: str, opts: pulumi.ResourceOptions) -> None:
        def declared(manifest: manifests.Manifest) -> dict[str, Any]:
            return {key: manifest[key] for key in ("metadata", "spec", "data") if key in manifest}

        programs = kubernetes.core.v1.ConfigMap("probe-programs", **declared(manifests.programs()), opts=opts)
        kubernetes.core.v1.Service("probe-service", **declared(manifests.service()), opts=opts)
        names = [
            kubernetes.core.v1.Service(manifests.STAYING, **declared(manifests.names(manifests.STAYING)), opts=opts),
            kubernetes.core.v1.Service(manifests.MOVING, **declared(manifests.names(manifests.MOVING)), opts=opts),
            kubernetes.networking.v1.NetworkPolicy("probe-policy", **declared(manifests.network_policy()), opts=opts),
        ]
        kubernetes.policy.v1.PodDisruptionBudget("probe-budget", **declared(manifests.budget()), opts=opts)
        after = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[programs, *names]))
        kubernetes.apps.v1.DaemonSet("probe", **declared(manifests.daemon_set(image)), opts=after)
        kubernetes.apps.v1.Deployment("probe-moving", **declared(manifests.deployment(image)), opts=after)

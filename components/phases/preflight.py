"""Phase `preflight`: write down what the old CNI is, look at every node, put the probe into the cluster."""

import pulumi
import pulumi_kubernetes as kubernetes

from components import probe
from components.operations.marks import now
from components.operations.snapshot import RECORD
from components.plan import MigrationPlan
from components.providers.node_inspection import LOOKED, NodeInspection
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
        kubernetes.core.v1.ConfigMap(
            "record",
            metadata={"name": RECORD, "namespace": probe.NAMESPACE},
            data={"source": plan.source.model_dump_json(indent=1), "strategy": plan.config.strategy},
            opts=inside,
        )
        self._probe(plan.config.probe.image, inside)
        self.inspection = NodeInspection(
            "nodes",
            nodes=plan.nodes,
            # In its own phase it looks anew at each run: that is what one runs it for.
            look=now() if plan.config.phase is Phase.PREFLIGHT else LOOKED,
            opts=inside,
        )
        self.register_outputs({})

    @staticmethod
    def _probe(image: str, opts: pulumi.ResourceOptions) -> None:
        programs = kubernetes.core.v1.ConfigMap(
            "probe-programs",
            metadata={"name": probe.NAME, "namespace": probe.NAMESPACE},
            data=probe.sources(),
            opts=opts,
        )
        kubernetes.apps.v1.DaemonSet(
            "probe",
            metadata={"name": probe.NAME, "namespace": probe.NAMESPACE, "labels": probe.LABELS},
            spec={
                "selector": {"matchLabels": probe.LABELS},
                "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "20%"}},
                "template": {
                    "metadata": {"labels": probe.LABELS},
                    "spec": {
                        "automountServiceAccountToken": False,
                        "terminationGracePeriodSeconds": 1,
                        "tolerations": [{"operator": "Exists"}],
                        "containers": [probe.container(image)],
                        "volumes": [{"name": "programs", "configMap": {"name": probe.NAME}}],
                    },
                },
            },
            opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[programs])),
        )
        kubernetes.core.v1.Service(
            "probe-service",
            metadata={"name": probe.NAME, "namespace": probe.NAMESPACE},
            spec={
                "selector": probe.LABELS,
                "ports": [{"name": "http", "port": probe.SERVICE_PORT, "targetPort": probe.PORT, "protocol": "TCP"}],
            },
            opts=opts,
        )

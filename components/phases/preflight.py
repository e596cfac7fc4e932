"""Phase `preflight`: write down what the old CNI is, look at every node, put the probe into the cluster."""

import json

import pulumi

from components import probe
from components.operations.marks import now
from components.operations.snapshot import RECORD, SETTLED
from components.phases.kubernetes_object import KubernetesObject
from components.plan import MigrationPlan
from components.pods import OurPods
from components.probe import manifests
from components.providers.node_inspection import LOOKED, NodeInspection
from components.providers.probe_key import ProbeKey
from components.sources.description import SEEN_ON_NODES
from stacks.phases import Phase


class Preflight(pulumi.ComponentResource):
    """What every later phase relies on; taking it back removes all that we brought but Cilium."""

    def __init__(self, plan: MigrationPlan, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cni-live-migration:phase:Preflight", "preflight", None, opts)
        labels = {
            # Scripts on nodes run in short-lived privileged pods; the probe itself is restricted all the same.
            "pod-security.kubernetes.io/enforce": "privileged"
        }
        namespace = KubernetesObject(
            "namespace",
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": probe.NAMESPACE, "labels": labels}},
            opts=pulumi.ResourceOptions(parent=self),
        )
        inside = pulumi.ResourceOptions(parent=self, depends_on=[namespace])
        data = {
            "source": plan.source.model_dump_json(indent=1, exclude=SEEN_ON_NODES),
            "strategy": plan.config.strategy,
            SETTLED: json.dumps(plan.cilium.record(), indent=1),
        }
        place = {"name": RECORD, "namespace": probe.NAMESPACE}
        record = KubernetesObject(
            "record", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": place, "data": data}, opts=inside
        )
        self._probe(OurPods.of(plan.config), inside)
        self.inspection = NodeInspection(
            "nodes",
            nodes=plan.nodes_to_look_at,
            # In its own phase it looks anew at each run: that is what one runs it for.
            look=now() if plan.config.phase is Phase.PREFLIGHT else LOOKED,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[namespace, record]),
        )
        self.register_outputs({})

    @staticmethod
    def _probe(pods: OurPods, opts: pulumi.ResourceOptions) -> None:
        programs = KubernetesObject("probe-programs", manifests.programs(), opts=opts)
        KubernetesObject("probe-service", manifests.service(), opts=opts)
        names = [
            KubernetesObject(manifests.STAYING, manifests.names(manifests.STAYING), opts=opts),
            KubernetesObject(manifests.MOVING, manifests.names(manifests.MOVING), opts=opts),
            KubernetesObject("probe-policy", manifests.network_policy(), opts=opts),
        ]
        KubernetesObject("probe-budget", manifests.budget(), opts=opts)
        key = ProbeKey("probe-key", opts=opts)
        after = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[programs, key, *names]))
        KubernetesObject("probe", manifests.daemon_set(pods), opts=after)
        KubernetesObject("probe-moving", manifests.deployment(pods), opts=after)

"""Phase `preflight`: write down what the old CNI is, look at every node, put the probe into the cluster."""

import json

import pulumi

from components import namespaces, probe
from components.names import NAMESPACE, NODES_NAMESPACE
from components.operations.snapshot import RECORD, SETTLED
from components.operations.turn_annotations import now
from components.phases.kubernetes_object import KubernetesObject
from components.plan import MigrationPlan
from components.pods import OurPods
from components.probe import manifests
from components.providers.node_inspection import LOOKED, NodeInspection
from components.providers.probe_key import ProbeKey
from components.providers.probe_programs import ProbePrograms
from components.sources.description import SEEN_ON_NODES
from stacks.strategies import Milestone


class Preflight(pulumi.ComponentResource):
    """The basis of every later phase; its deletion removes everything that this program brought except Cilium."""

    def __init__(self, plan: MigrationPlan, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cni-live-migration:phase:Preflight", "preflight", None, opts)
        beneath = pulumi.ResourceOptions(parent=self)
        namespace = KubernetesObject("namespace", namespaces.namespace(NAMESPACE), opts=beneath)
        of_scripts = KubernetesObject("nodes-namespace", namespaces.namespace(NODES_NAMESPACE), opts=beneath)
        inside = pulumi.ResourceOptions(parent=self, depends_on=[namespace])
        data = {
            "source": plan.source.model_dump_json(indent=1, exclude=SEEN_ON_NODES),
            "strategy": plan.config.strategy,
            SETTLED: json.dumps(plan.cilium.record(), indent=1),
        }
        place = {"name": RECORD, "namespace": NAMESPACE}
        record = KubernetesObject(
            "record", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": place, "data": data}, opts=inside
        )
        self._probe(OurPods.of(plan.config), inside)
        self.inspection = NodeInspection(
            "nodes",
            nodes=plan.nodes_to_look_at,
            # In its own phase it looks anew at each run: that is what one runs it for.
            look=now() if plan.config.milestone is Milestone.BEFORE_CILIUM else LOOKED,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[namespace, of_scripts, record]),
        )
        self.register_outputs({})

    @staticmethod
    def _probe(pods: OurPods, opts: pulumi.ResourceOptions) -> None:
        programs = ProbePrograms("probe-programs", version=probe.version_of(probe.sources()), opts=opts)
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

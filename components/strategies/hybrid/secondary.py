"""Phase `secondary`: Cilium beside the old CNI, its overlay up, no pod and no CNI conf touched."""

import pulumi

from components.names import RELEASE
from components.phases.cilium_chart import chart_of
from components.phases.kubernetes_object import HelmRelease, KubernetesObject
from components.phases.traffic_guard import cost_of, quiet_before
from components.plan import MigrationPlan
from components.providers.cilium_ready import CiliumReady
from components.providers.source_preparation import SourcePreparation
from components.sources import fooled_families
from stacks.strategies import Milestone
from stacks.values import final_values, live_settings, migration_values, node_config


class Secondary(pulumi.ComponentResource):
    """The Helm release of Cilium, with the values of the phase that the stack is in, and its node config."""

    def __init__(self, plan: MigrationPlan, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cni-live-migration:phase:Secondary", "secondary", None, opts)
        cilium, phase = plan.cilium, plan.config.chosen_strategy.first_at(Milestone.BOTH_NETWORKS)
        alone = plan.config.reaches(Milestone.CILIUM_ALONE)
        values = final_values(cilium) if alone else migration_values(cilium)
        before = quiet_before(phase, opts=pulumi.ResourceOptions(parent=self))
        first: list[pulumi.Resource] = [before]
        families = fooled_families(plan.source, pools=cilium.every_pool)
        if families:
            prepared = pulumi.ResourceOptions(parent=self, depends_on=[before])
            first.append(SourcePreparation("source", families=families, opts=prepared))
        theirs = {"values": values, **chart_of(cilium)}
        secret = "cilium" in plan.secret
        self.release = HelmRelease(
            RELEASE,
            settings={
                "name": RELEASE,
                "namespace": cilium.namespace,
                "timeout": cilium.timeout_seconds,
                "skipAwait": True,  # CiliumReady waits, and looks at the data path besides
                **{key: pulumi.Output.secret(value) if secret else value for key, value in theirs.items()},
            },
            opts=pulumi.ResourceOptions(
                parent=self,
                # Where `pulumi import` puts it.
                aliases=[pulumi.Alias(name=RELEASE, parent=pulumi.ROOT_STACK_RESOURCE)],
                depends_on=first,
                protect=plan.config.reaches(Milestone.OLD_NETWORK_GONE),
                # Certificates that the chart generates differ at each rendering; values are what is compared.
                ignore_changes=["checksum"],
                # A refresh reads them back from Helm's record, which knows of no secret.
                additional_secret_outputs=[*theirs] if secret else None,
            ),
        )
        self.ready = CiliumReady(
            "ready",
            settings=live_settings(values),
            release=RELEASE,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self.release]),
        )
        last: list[pulumi.Resource] = [self.ready]
        if not alone:
            node_config_resource = KubernetesObject(
                "node-config",
                {
                    "apiVersion": cilium.node_config_version,
                    "kind": "CiliumNodeConfig",
                    "metadata": {"name": "cilium-default", "namespace": cilium.namespace},
                    "spec": node_config(values, label=plan.config.chosen_strategy.switch_label),
                },
                opts=pulumi.ResourceOptions(parent=self, depends_on=[self.ready]),
            )
            last.append(node_config_resource)
        self.cost = cost_of(phase, before=before, opts=pulumi.ResourceOptions(parent=self, depends_on=last))
        self.register_outputs({})

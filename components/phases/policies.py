"""Declares the translated Cilium policies, before any agent enforces them."""

import pulumi

from components.phases.kubernetes_object import KubernetesObject
from components.plan import MigrationPlan


class Policies(pulumi.ComponentResource):
    """One custom resource for each translation and, while the window is bridged, for what must be let through."""

    def __init__(self, plan: MigrationPlan, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cni-live-migration:phase:Policies", "policies", None, opts)
        for item in plan.policies:
            metadata = item["metadata"]
            place = f"{metadata['namespace']}/" if "namespace" in metadata else ""
            KubernetesObject(f"policy-{place}{metadata['name']}", item, opts=pulumi.ResourceOptions(parent=self))
        self.register_outputs({})

"""Policies in Cilium's words: there before the agents enforce any, as resources of the stack."""

import pulumi
import pulumi_kubernetes as kubernetes

from components.plan import MigrationPlan


class Policies(pulumi.ComponentResource):
    """One custom resource for each translation and, while the window is bridged, for what must be let through."""

    def __init__(self, plan: MigrationPlan, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cni-live-migration:phase:Policies", "policies", None, opts)
        for item in plan.policies:
            metadata = item["metadata"]
            place = f"{metadata['namespace']}/" if "namespace" in metadata else ""
            name, opts = f"policy-{place}{metadata['name']}", pulumi.ResourceOptions(parent=self)
            if item["apiVersion"] == "networking.k8s.io/v1":
                kubernetes.networking.v1.NetworkPolicy(name, metadata=metadata, spec=item["spec"], opts=opts)
                continue
            kubernetes.apiextensions.CustomResource(
                name,
                api_version=item["apiVersion"],
                kind=item["kind"],
                metadata=metadata,
                spec=item["spec"],
                opts=opts,
            )
        self.register_outputs({})

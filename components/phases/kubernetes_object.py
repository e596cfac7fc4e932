"""Resources of Pulumi's Kubernetes provider, declared by their manifests.

They are the same resources, with the same inputs, as the SDK's classes make. Those classes' modules hold the types of
every field of Kubernetes and take two thirds of a second of each preview and each `up` to import (docs/decisions/0016).
"""

from collections.abc import Mapping
from typing import Any

import pulumi

from components.phases.stack_state import RELEASE_TYPE

_FIELDS = ("metadata", "spec", "data")


class KubernetesObject(pulumi.CustomResource):
    """One object of the cluster; `patches` makes it some fields of an object that somebody else made."""

    def __init__(
        self, name: str, manifest: Mapping[str, Any], *, opts: pulumi.ResourceOptions, patches: bool = False
    ) -> None:
        version, kind = str(manifest["apiVersion"]), str(manifest["kind"])
        group = version if "/" in version else f"core/{version}"
        fields = {key: manifest[key] for key in _FIELDS if key in manifest}
        props = {"apiVersion": version, "kind": kind, **fields}
        super().__init__(f"kubernetes:{group}:{kind}{'Patch' if patches else ''}", name, props, opts)


class HelmRelease(pulumi.CustomResource):
    """A release of a chart; `settings` are the provider's own inputs, `skipAwait` and the like."""

    def __init__(self, resource_name: str, *, settings: Mapping[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__(RELEASE_TYPE, resource_name, {"compat": "true", **settings}, opts)

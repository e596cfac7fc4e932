"""The key with which probes sign the records that they hand over: random, made once, kept only on the cluster."""

import pulumi
from pulumi.dynamic import CreateResult, ReadResult, Resource

from components.providers.shared.base import ClusterProvider, Properties


class ProbeKeyProvider(ClusterProvider):
    """Manages the Secret; an existing one stays, so that a stack whose state was lost continues with it."""

    def create(self, _props: Properties) -> CreateResult:
        """Create the key, unless there is one."""
        from components.operations.probes.probe_key import ensure_key

        ensure_key(self.work.cluster)
        return CreateResult(id_="probe-key", outs={})

    def read(self, id_: str, props: Properties) -> ReadResult:
        """On refresh, remove a deleted Secret from the state, so that the next run creates another."""
        from components.operations.probes.probe_key import has_key

        return ReadResult(id_ if has_key(self.work.cluster) else "", props)

    def delete(self, _id: str, _props: Properties) -> None:
        """Delete the Secret together with the probe."""
        from components.operations.probes.probe_key import remove_key

        remove_key(self.work.cluster)


class ProbeKey(Resource, module="preflight", name="ProbeKey"):
    """The Secret that the probe's pods mount; no input and no output contains the key."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(ProbeKeyProvider(), name, {}, opts)

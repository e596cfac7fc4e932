"""The key with which the installation's probes sign what they hand over: drawn once, kept on the cluster alone."""

import pulumi
from pulumi.dynamic import CreateResult, ReadResult, Resource

from components.providers.base import ClusterProvider, Properties


class ProbeKeyProvider(ClusterProvider):
    """A Secret; the one that is there stays, so that a stack whose state was lost goes on with it."""

    def create(self, _props: Properties) -> CreateResult:
        """Draw it, unless there is one."""
        from components.operations.probe_key import ensure_key

        ensure_key(self.work.cluster)
        return CreateResult(id_="probe-key", outs={})

    def read(self, id_: str, props: Properties) -> ReadResult:
        """On refresh: one that was deleted leaves the stack, and the next run draws another."""
        from components.operations.probe_key import has_key

        return ReadResult(id_ if has_key(self.work.cluster) else "", props)

    def delete(self, _id: str, _props: Properties) -> None:
        """It goes with the probe."""
        from components.operations.probe_key import remove_key

        remove_key(self.work.cluster)


class ProbeKey(Resource, module="preflight", name="ProbeKey"):
    """The Secret that the probe's pods mount; no input and no output holds what is in it."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(ProbeKeyProvider(), name, {}, opts)

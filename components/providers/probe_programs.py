"""The probe's programs on the cluster; the state holds only their version instead of 200 kB of source."""

import pulumi
from pulumi.dynamic import CreateResult, ReadResult, Resource, UpdateResult

from components.providers.shared.base import ClusterProvider, Properties, results


class ProbeProgramsProvider(ClusterProvider):
    """Manages the ConfigMap with this version's programs."""

    meaningful = ("version",)

    def _put(self, props: Properties) -> Properties:
        from components.operations.probes.probe_programs import put_programs

        put_programs(self.work.cluster)
        return results(props, {})

    def create(self, props: Properties) -> CreateResult:
        """Write the programs, over those of a killed run."""
        return CreateResult(id_="probe-programs", outs=self._put(props))

    def update(self, _id: str, _olds: Properties, _news: Properties) -> UpdateResult:
        """Write another version's programs."""
        return UpdateResult(outs=self._put(_news))

    def read(self, id_: str, props: Properties) -> ReadResult:
        """On refresh, read the version; a deleted ConfigMap is removed from the state."""
        from components.operations.probes.probe_programs import version_there

        found = version_there(self.work.cluster)
        return ReadResult("" if found is None else id_, {**props, "version": found})

    def delete(self, _id: str, _props: Properties) -> None:
        """Delete the ConfigMap together with the probe."""
        from components.operations.probes.probe_programs import remove_programs

        remove_programs(self.work.cluster)


class ProbePrograms(Resource, module="preflight", name="ProbePrograms"):
    """The ConfigMap that the probe's pods mount."""

    def __init__(self, name: str, *, version: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(ProbeProgramsProvider(), name, {"version": version}, opts)

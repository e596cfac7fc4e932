"""Makes the old CNI fit to share the nodes with Cilium, before Cilium appears; deleted, it is as it was."""

import pulumi
from pulumi.dynamic import CreateResult, Resource

from components.providers.base import ClusterProvider, Properties, results


class SourcePreparationProvider(ClusterProvider):
    """Moves Calico's address detection, and back."""

    replacing = ("families",)

    def create(self, props: Properties) -> CreateResult:
        """Prepare it, and see on every node that it took."""
        from components.operations.autodetection import prepare_autodetection
        from components.operations.marks import now
        from components.operations.progress import Progress
        from components.sources import source_of

        source = self.work.source()
        way = source_of(source).way
        progress = Progress(source.title, 1)
        progress.step("addresses", "each node's address from Kubernetes, so that cilium_host is not taken for it")
        assert way is not None, f"{source.kind} has no address detection"
        done = prepare_autodetection(
            self.work.working_cluster(),
            way(source),
            tuple(int(each) for each in props["families"]),
            timeout_seconds=self.work.config.cilium.timeout_seconds,
            progress=progress,
        )
        seconds = progress.done("prepared")
        return CreateResult(id_=source.kind, outs=results(props, {"done": done, "seconds": seconds, "at": now()}))

    def delete(self, _id: str, _props: Properties) -> None:
        """Restore what was there before; Cilium is gone by now."""
        from components.operations.autodetection import restore_autodetection
        from components.operations.progress import Progress
        from components.sources import source_of

        source = self.work.source()
        way = source_of(source).way
        progress = Progress(source.title, 1)
        progress.step("addresses", "back to how it found them")
        if way is not None:
            restore_autodetection(
                self.work.working_cluster(),
                way(source),
                timeout_seconds=self.work.config.cilium.timeout_seconds,
                progress=progress,
            )
        progress.done("as it was")


class SourcePreparation(Resource, module="secondary", name="SourcePreparation"):
    """The old CNI prepared; `families` are 4 and 6, of the addresses that it must not look for by itself."""

    done: pulumi.Output[str]

    def __init__(self, name: str, *, families: tuple[int, ...], opts: pulumi.ResourceOptions | None = None) -> None:
        props = {"families": list(families), "done": None, "seconds": None, "at": None}
        super().__init__(SourcePreparationProvider(), name, props, opts)

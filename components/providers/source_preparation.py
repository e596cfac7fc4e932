"""Prepares the old CNI to share the nodes with Cilium, before Cilium is installed; deletion restores it."""

import pulumi
from pulumi.dynamic import CreateResult, Resource

from components.providers.shared.base import ClusterProvider, Properties, results


class SourcePreparationProvider(ClusterProvider):
    """Changes Calico's address autodetection, and restores it."""

    replacing = ("families",)

    def create(self, props: Properties) -> CreateResult:
        """Prepare the old CNI, and verify it on every node."""
        from components.operations.progress import Progress
        from components.operations.turn_annotations import now
        from components.sources import source_of
        from components.sources.calico.moved_autodetection import prepare_autodetection

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
        """Restore the earlier setting; Cilium is gone by now."""
        from components.operations.progress import Progress
        from components.sources import source_of
        from components.sources.calico.moved_autodetection import restore_autodetection

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
    """The prepared old CNI; `families` (4, 6) are those whose addresses it must not detect by itself."""

    done: pulumi.Output[str]

    def __init__(self, name: str, *, families: tuple[int, ...], opts: pulumi.ResourceOptions | None = None) -> None:
        props = {"families": list(families), "done": None, "seconds": None, "at": None}
        super().__init__(SourcePreparationProvider(), name, props, opts)

"""Inspects every node (ports, routes, CNI confs) and stores the facts in ConfigMaps, where the checks read them."""

from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, UpdateResult

from components.providers.shared.base import ClusterProvider, Properties, results

LOOKED = ""
_NAMED = 5


class NodeInspectionProvider(ClusterProvider):
    """Manages the ConfigMaps of facts."""

    meaningful = ("nodes",)

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> DiffResult:
        """A change is a change of the nodes, or of `look`, which later phases leave alone."""
        return DiffResult(changes=_looks_again(_olds, _news) or _news["nodes"] != _olds.get("nodes"))

    def _inspect(self, nodes: list[str], *, known: int = 0) -> dict[str, Any]:
        from components.operations.node_inspection import inspect_nodes
        from components.operations.progress import Progress
        from components.operations.turn_annotations import now
        from components.plurals import many
        from components.pods import OurPods

        progress = Progress("preflight", 1)
        progress.step("nodes", f"looking at {many(len(nodes), 'node')}")
        facts = inspect_nodes(self.work.cluster, nodes, pods=OurPods.of(self.work.config))
        self._assert_port_free(facts)
        self._assert_folders(facts)
        left = sorted(set(nodes) - set(facts))
        without = f"; not {', '.join(left[:_NAMED])}{' …' if len(left) > _NAMED else ''}: NotReady" if left else ""
        progress.done(f"{many(len(facts), 'node')} looked at{without}")
        return {"inspected": len(facts) + known, "at": now()}

    def _assert_port_free(self, facts: dict[str, Any]) -> None:
        from components.operations.deadline import OperationError
        from components.operations.objects.live_config import read_live_config
        from stacks.strategies import Milestone

        port, config = self.work.cilium().tunnel_port, self.work.config
        installed = read_live_config(self.work.cluster, namespace=config.cilium.namespace) is not None
        if installed or config.milestone is Milestone.BEFORE_CILIUM or "tunnel-port-free" in config.acknowledge:
            return
        busy = sorted(node for node, seen in facts.items() if port in seen["udp_ports"])
        if busy:
            own = "`pulumi config rm --path cilium.tunnelPort`, then " if config.cilium.tunnel_port else ""
            raise OperationError(
                f"cilium.tunnelPort {port} (UDP) is in use on node {', '.join(busy)}; Cilium was not installed: "
                f"{own}`pulumi up` again chooses a free one"
            )

    def _assert_folders(self, facts: dict[str, Any]) -> None:
        """Raise OperationError if a node inspected in this run does not read Cilium's CNI folders."""
        from components.operations.deadline import OperationError
        from components.operations.objects.live_config import read_live_config
        from stacks.strategies import Milestone

        cilium, config = self.work.cilium(), self.work.config
        installed = read_live_config(self.work.cluster, namespace=config.cilium.namespace) is not None
        if installed or config.milestone is Milestone.BEFORE_CILIUM or "cni-folders" in config.acknowledge:
            return
        folders = (("cni_folders", "confs", cilium.cni_conf_path), ("cni_binaries", "plugins", cilium.cni_bin_path))
        for key, what, path in folders:
            others = sorted(node for node, seen in facts.items() if seen.get(key) and path not in seen[key])
            if others:
                raise OperationError(
                    f"node {others[0]} reads CNI {what} in {facts[others[0]][key][0]}, not in {path} ({len(others)} "
                    f"of {len(facts)} nodes do not); Cilium was not installed: `pulumi up` again puts its own there"
                )

    def create(self, props: Properties) -> CreateResult:
        """Inspect the nodes and store the facts."""
        return CreateResult(id_="facts", outs=results(props, self._inspect(props["nodes"])))

    def update(self, _id: str, _olds: Properties, _news: Properties) -> UpdateResult:
        """Inspect again: all nodes if `look` changed, else only the new ones."""
        nodes = list(_news["nodes"])
        new = nodes if _looks_again(_olds, _news) else [name for name in nodes if name not in (_olds["nodes"] or [])]
        return UpdateResult(outs=results(_news, self._inspect(new, known=len(nodes) - len(new))))

    def delete(self, _id: str, _props: Properties) -> None:
        """Delete the facts and, as this is the end of an undone migration, Cilium's leftover taints."""
        from components.operations.node_inspection import forget_nodes
        from components.operations.progress import Progress
        from components.operations.removal.cilium_taints import remove_left_taints

        forget_nodes(self.work.cluster)
        freed = remove_left_taints(self.work.cluster, namespace=self.work.config.cilium.namespace)
        if freed:
            Progress("preflight", 1).done(f"Cilium's taint was left on {', '.join(freed)} and is off")


def _looks_again(olds: Properties, news: Properties) -> bool:
    return bool(news["look"] != LOOKED and news["look"] != olds.get("look"))


class NodeInspection(Resource, module="preflight", name="NodeInspection"):
    """The facts of the nodes; a different text in `look` inspects them again, LOOKED keeps the facts."""

    inspected: pulumi.Output[int]

    def __init__(self, name: str, *, nodes: list[str], look: str, opts: pulumi.ResourceOptions | None = None) -> None:
        props = {"nodes": nodes, "look": look, "inspected": None, "at": None}
        super().__init__(NodeInspectionProvider(), name, props, opts)

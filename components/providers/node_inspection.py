"""Looks at every node itself (ports, routes, CNI conf) and writes what it saw where the checks find it."""

from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, UpdateResult

from components.providers.base import ClusterProvider, Properties, results

LOOKED = ""
_NAMED = 5


class NodeInspectionProvider(ClusterProvider):
    """Keeps the ConfigMap of facts."""

    meaningful = ("nodes",)

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> DiffResult:
        """Other nodes, or another wish to look; later phases wish nothing."""
        return DiffResult(changes=_looks_again(_olds, _news) or _news["nodes"] != _olds.get("nodes"))

    def _inspect(self, nodes: list[str], *, known: int = 0) -> dict[str, Any]:
        from components.operations.marks import now
        from components.operations.node_inspection import inspect_nodes
        from components.operations.progress import Progress
        from components.pods import OurPods
        from components.words import many

        progress = Progress("preflight", 1)
        progress.step("nodes", f"looking at {many(len(nodes), 'node')}")
        facts = inspect_nodes(self.work.cluster, nodes, pods=OurPods.of(self.work.config))
        self._assert_port_free(facts)
        left = sorted(set(nodes) - set(facts))
        without = f"; not {', '.join(left[:_NAMED])}{' …' if len(left) > _NAMED else ''}: NotReady" if left else ""
        progress.done(f"{many(len(facts), 'node')} looked at{without}")
        return {"inspected": len(facts) + known, "at": now()}

    def _assert_port_free(self, facts: dict[str, Any]) -> None:
        from components.operations.deadline import OperationError
        from components.operations.live_config import read_live_config
        from stacks.phases import Phase

        port, config = self.work.cilium().tunnel_port, self.work.config
        installed = read_live_config(self.work.cluster, namespace=config.cilium.namespace) is not None
        if installed or config.phase is Phase.PREFLIGHT or "tunnel-port-free" in config.acknowledge:
            return
        busy = sorted(node for node, seen in facts.items() if port in seen["udp_ports"])
        if busy:
            raise OperationError(
                f"cilium.tunnelPort {port} (UDP) is in use on node {', '.join(busy)}; Cilium was not installed: choose "
                "a free port with `pulumi config set --path cilium.tunnelPort`"
            )

    def create(self, props: Properties) -> CreateResult:
        """Look, and write it down."""
        return CreateResult(id_="facts", outs=results(props, self._inspect(props["nodes"])))

    def update(self, _id: str, _olds: Properties, _news: Properties) -> UpdateResult:
        """Look again, at all of them where that is wished, else at those that are new."""
        nodes = list(_news["nodes"])
        new = nodes if _looks_again(_olds, _news) else [name for name in nodes if name not in (_olds["nodes"] or [])]
        return UpdateResult(outs=results(_news, self._inspect(new, known=len(nodes) - len(new))))

    def delete(self, _id: str, _props: Properties) -> None:
        """Forget what was seen; this is the end of a stack that is taken back, so nothing of Cilium may stay."""
        from components.operations.cilium_taints import remove_left_taints
        from components.operations.node_inspection import forget_nodes
        from components.operations.progress import Progress

        forget_nodes(self.work.cluster)
        freed = remove_left_taints(self.work.cluster, namespace=self.work.config.cilium.namespace)
        if freed:
            Progress("preflight", 1).done(f"Cilium's taint was left on {', '.join(freed)} and is off")


def _looks_again(olds: Properties, news: Properties) -> bool:
    return bool(news["look"] != LOOKED and news["look"] != olds.get("look"))


class NodeInspection(Resource, module="preflight", name="NodeInspection"):
    """What the nodes look like; another text in `look` makes it look again, LOOKED keeps what was seen."""

    inspected: pulumi.Output[int]

    def __init__(self, name: str, *, nodes: list[str], look: str, opts: pulumi.ResourceOptions | None = None) -> None:
        props = {"nodes": nodes, "look": look, "inspected": None, "at": None}
        super().__init__(NodeInspectionProvider(), name, props, opts)

"""Looks at every node itself (ports, routes, CNI conf) and writes what it saw where the checks find it."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, UpdateResult

from components.names import NAMESPACE
from components.operations.deadline import OperationError
from components.operations.live_config import read_live_config
from components.operations.marks import now
from components.operations.model import Node
from components.operations.node_shell import run_on_node
from components.operations.progress import Progress
from components.operations.snapshot import FACTS, is_of_facts
from components.providers.base import ClusterProvider, Properties, results
from components.words import many
from stacks.phases import Phase

_AT_ONCE = 20
_OF_PODS = ("veth", "cali", "lxc")
_MOST_BYTES = 800_000
LOOKED = ""


def telling(routes: list[list[str]], *, blocks: set[str]) -> list[list[str]]:
    """The routes without those of either CNI: each node has one to every other, too many for a ConfigMap to keep.

    The nodes' blocks of the old network are known from the Node objects; what leads into Cilium is no one else's.
    """
    return [[network, device] for network, device in routes if network not in blocks and "cilium_" not in device]


def own_devices(interfaces: dict[str, int]) -> dict[str, int]:
    """The interfaces without those of pods, which come and go."""
    return {name: mtu for name, mtu in interfaces.items() if not name.startswith(_OF_PODS)}


def parts(data: dict[str, str]) -> list[dict[str, str]]:
    """The facts in as many parts as are needed for a ConfigMap, which holds 1 MiB, to hold one."""
    found: list[dict[str, str]] = [{}]
    size = 0
    for node, text in sorted(data.items()):
        if size + len(text) > _MOST_BYTES:
            found, size = [*found, {}], 0
        found[-1][node] = text
        size += len(text)
    return found


class NodeInspectionProvider(ClusterProvider):
    """Keeps the ConfigMap of facts."""

    meaningful = ("nodes",)

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> DiffResult:
        """Other nodes, or another wish to look; later phases wish nothing."""
        again = _news["look"] != LOOKED and _news["look"] != _olds.get("look")
        return DiffResult(changes=again or _news["nodes"] != _olds.get("nodes"))

    def _inspect(self, nodes: list[str]) -> dict[str, Any]:
        progress = Progress("preflight", 1)
        progress.step("nodes", f"looking at {many(len(nodes), 'node')}")
        image = self.config.probe.image
        with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            found = pool.map(lambda node: run_on_node(self.cluster, node, "inspect_network", image=image), nodes)
            facts = dict(zip(nodes, found, strict=True))
        blocks = {block for item in self.cluster.list("/api/v1/nodes") for block in Node.read(item).pod_cidrs}
        kept = {
            node: {
                **seen, "routes": telling(seen["routes"], blocks=blocks), "interfaces": own_devices(seen["interfaces"])
            }
            for node, seen in facts.items()
        }  # fmt: skip
        data = {node: json.dumps(seen, sort_keys=True) for node, seen in kept.items()}
        self._write(data)
        self._assert_port_free(facts)
        progress.done(f"{many(len(facts), 'node')} looked at")
        return {"inspected": len(facts), "at": now()}

    def _write(self, data: dict[str, str]) -> None:
        folder = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
        for item in self.cluster.list(folder):
            if is_of_facts(item["metadata"]["name"]):
                self.cluster.delete(f"{folder}/{item['metadata']['name']}")
        for number, part in enumerate(parts(data)):
            name = f"{FACTS}-{number}" if number else FACTS
            body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": NAMESPACE}}
            self.cluster.create(folder, {**body, "data": part})

    def _assert_port_free(self, facts: dict[str, Any]) -> None:
        port, config = self.cilium().tunnel_port, self.config
        installed = read_live_config(self.cluster, namespace=config.cilium.namespace) is not None
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
        """Look again."""
        return UpdateResult(outs=results(_news, self._inspect(_news["nodes"])))

    def delete(self, _id: str, _props: Properties) -> None:
        """Forget what was seen."""
        self.cluster.delete(f"/api/v1/namespaces/{NAMESPACE}/configmaps/{FACTS}")


class NodeInspection(Resource, module="preflight", name="NodeInspection"):
    """What the nodes look like; another text in `look` makes it look again, LOOKED keeps what was seen."""

    inspected: pulumi.Output[int]

    def __init__(self, name: str, *, nodes: list[str], look: str, opts: pulumi.ResourceOptions | None = None) -> None:
        props = {"nodes": nodes, "look": look, "inspected": None, "at": None}
        super().__init__(NodeInspectionProvider(), name, props, opts)

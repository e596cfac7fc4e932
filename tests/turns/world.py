"""Three nodes on Flannel with Cilium beside it, in memory: what is there, what is broken, and what was done."""

import json
from collections import Counter

from components import probe
from components.names import NAMESPACE
from components.operations.cluster_api.errors import ClusterError, CommandResult
from components.operations.objects.model import Node, Pod
from components.operations.turn_steps.agent import AGENT_CONTAINER
from scripts.lab.simulated.nodes import machines
from scripts.lab.simulated.nodes.machines import Machine
from stacks.values import live_settings, migration_values, node_config
from tests.builders import make_cilium
from tests.turns.api import Client, Object
from tests.turns.fake_controllers import APPS, CILIUM, CILIUM_API, Players

NODES = ("worker-1", "worker-2", "worker-3")
_PASSING = ("cni-live-migration/since", "cni-live-migration/by", "cni-live-migration/turn")  # with times


def _controller(name: str, labels: dict[str, str], *, replicas: int | None = None, **spec: object) -> Object:
    containers = [{"name": name, "image": "example"}]
    template = {"metadata": {"labels": labels}, "spec": {"containers": containers, **spec}}
    more = {} if replicas is None else {"replicas": replicas}
    return {"metadata": {"name": name}, "spec": {"template": template, "selector": {"matchLabels": labels}, **more}}


class World:
    """The cluster. `broken` are flows that carry nothing, by words of their titles or targets.

    `deaf` are pods in which no command can be run, by how their names begin.
    """

    def __init__(self) -> None:
        self.players = Players()
        self.objects = self.players.objects
        self.objects.react = self.players.react
        self.broken: set[str] = set()
        self.deaf: tuple[str, ...] = ()
        for number, name in enumerate(NODES, start=1):
            self._add_node(number, name)
        self._install()
        self.players.done.clear()

    def copy(self) -> "World":
        """Another one that is as this one is now, with nothing done to it yet."""
        other = World.__new__(World)
        other.players = self.players.copy()
        other.objects, other.broken, other.deaf = other.players.objects, set(self.broken), self.deaf
        return other

    def _add_node(self, number: int, name: str) -> None:
        bare = Machine(
            name=name, address=f"172.20.0.{number}", boot_id=f"{name}-boot-1", source_block=f"10.244.{number}.0/24"
        )
        self.players.machines[name] = machines.flannel_started(bare, interface="flannel.1", port=8472)
        status: Object = {"conditions": [{"type": "Ready", "status": "True"}], "nodeInfo": {"bootID": bare.boot_id}}
        status["addresses"] = [{"type": "InternalIP", "address": bare.address}]
        self.objects.add("/api/v1/nodes", {"metadata": {"name": name}, "spec": {}, "status": status})
        block = {"ipam": {"podCIDRs": [f"10.245.{number}.0/24"]}}
        self.objects.add(f"{CILIUM_API}/ciliumnodes", {"metadata": {"name": name}, "spec": block})

    def _install(self) -> None:
        add, live = self.objects.add, live_settings(migration_values(make_cilium()))
        add(f"/api/v1/namespaces/{CILIUM}/configmaps", {"metadata": {"name": "cilium-config"}, "data": live})
        config = {"metadata": {"name": "cilium-default"}, "spec": node_config({})}
        add(f"{CILIUM_API}/namespaces/{CILIUM}/ciliumnodeconfigs", config)
        kubernetes = {"metadata": {"name": "kubernetes"}, "spec": {"clusterIP": "10.96.0.1"}}
        add("/api/v1/namespaces/default/services", kubernetes)
        service = {"metadata": {"name": probe.NAME}, "spec": {"clusterIP": "10.96.0.2"}}
        add(f"/api/v1/namespaces/{NAMESPACE}/services", service)
        names = {"metadata": {"name": "kube-dns", "labels": {"k8s-app": "kube-dns"}}, "spec": {}}
        add("/api/v1/namespaces/kube-system/services", names)
        agent = [{"name": AGENT_CONTAINER, "image": "example"}]
        cilium = _controller("cilium", {"k8s-app": "cilium"}, hostNetwork=True, containers=agent)
        add(f"{APPS}/namespaces/{CILIUM}/daemonsets", cilium)
        add(f"{APPS}/namespaces/{NAMESPACE}/daemonsets", _controller(probe.NAME, probe.LABELS))
        self.daemon_set("logs")
        self.replica_set("web", replicas=3)

    def daemon_set(self, app: str) -> None:
        """Pods that a drain leaves, one on each node."""
        self.objects.add(f"{APPS}/namespaces/default/daemonsets", _controller(app, {"app": app}))

    def replica_set(self, app: str, *, replicas: int, **spec: object) -> None:
        """Pods that a drain moves, on the nodes that have the fewest."""
        body = _controller(app, {"app": app}, replicas=replicas, **spec)
        self.objects.add(f"{APPS}/namespaces/default/replicasets", body)

    def pod(self, name: str, *, node: str, annotations: dict[str, str] | None = None, **spec: object) -> None:
        """A pod that nothing re-creates."""
        metadata = {"name": name, "labels": {"app": name}, "annotations": annotations or {}}
        body = {"metadata": metadata, "spec": {"nodeName": node, "containers": [{"name": name}], **spec}}
        self.objects.add("/api/v1/namespaces/default/pods", body)

    def budget(self, app: str, *, available: int) -> None:
        """A budget over an app's pods."""
        spec = {"minAvailable": available, "selector": {"matchLabels": {"app": app}}}
        folder = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
        self.objects.add(folder, {"metadata": {"name": app}, "spec": spec})

    def client(self, *, killed_after: int | None = None) -> Client:
        """The client of one run."""
        return Client(self.objects, writes=killed_after, run=self._command)

    def node(self, name: str) -> Node:
        """The node as it is now."""
        return Node.read(self.objects.by_path[f"/api/v1/nodes/{name}"])

    def change_node(self, name: str, **changes: object) -> None:
        """By hand, as an operator or the engine does: keys of `metadata` or `spec`."""
        parts = {"metadata": ("labels", "annotations"), "spec": ("unschedulable",)}
        patch = {part: {key: changes[key] for key in keys if key in changes} for part, keys in parts.items()}
        self.objects.change(f"/api/v1/nodes/{name}", patch)

    def pods(self, *, node: str = "", app: str = "") -> list[Pod]:
        """The pods there are, of a node or an app."""
        found = map(Pod.read, self.objects.select("/api/v1/pods", fields=f"spec.nodeName={node}" if node else ""))
        return [pod for pod in found if app in ("", pod.labels.get("app"))]

    @property
    def done(self) -> list[str]:
        """The events, in short, in their order."""
        return self.players.done

    def state(self, name: str) -> Object:
        """All that must be the same after a node's turn however it went: marks, label, cordon, CNI conf, all pods."""
        node = self.node(name)
        pods = Counter(
            f"{pod.workload} on {pod.node}, {pod.address.rpartition('.')[0]}, {'Ready' if pod.ready else 'not Ready'}"
            for pod in self.pods()
        )
        return {
            "marks": {key: value for key, value in node.annotations.items() if key not in _PASSING},
            "labels": dict(node.labels),
            "cordoned": node.unschedulable,
            "conf": sorted(self.players.machines[name].conf),
            "pods": dict(pods),
        }

    def _command(self, pod: str, command: list[str]) -> CommandResult:
        """The output of the commands that the program runs in pods."""
        item = self.objects.by_path[f"/api/v1/namespaces/{pod.replace('/', '/pods/')}"]
        if item["metadata"]["name"].startswith(self.deaf):
            raise ClusterError(f"command in pod {pod}: cannot be started")
        match command:
            case ["ls", "-1", _]:
                names = sorted(self.players.machines[item["spec"]["nodeName"]].conf)
                return CommandResult(exit_code=0, output="".join(f"{name}\n" for name in names))
            case ["python3", file, text, _] if file.endswith("/reach.py"):
                targets: dict[str, str] = json.loads(text)
                found = {title: self._outcome(f"{title} {url}") for title, url in targets.items()}
                return CommandResult(exit_code=0, output=json.dumps(found))
        raise AssertionError(f"{' '.join(command)[:80]}: nobody plays this")

    def _outcome(self, words: str) -> Object:
        fails = any(each in words for each in self.broken)
        return {"ok": not fails, "seconds": 0.1, "tries": 1, "said": "timed out" if fails else "200"}

"""Where faults are made to happen: a simulated cluster in phase `migrate`, with a node and a workload for each."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from components import probe
from components.names import NAMESPACES
from components.operations.cluster_api.api import Cluster
from components.operations.objects.model import Pod
from components.operations.turn_annotations import TurnStep, read_node, step_of
from scripts.lab.session import Session
from scripts.lab.simulated import lab as simulated
from scripts.lab.simulated.control_plane import ControlPlane
from tests.runs import RunningUp
from tests.sampling import exhaustive

# One for each fault and kill, some more for those that need two or three, and some that take the evicted pods.
NODES = 70 if exhaustive() else 40
PROJECT = "cilium-live-migration"
APP, BUDGET = "web", "pdb"
OLD = ("10.128.",)
NEW = tuple(f"10.{number}." for number in range(192, 224))  # Pulumi.simulated.yaml: 10.192.0.0/11
_PATIENCE_SECONDS = 40.0


@dataclass
class Site:
    """One cluster, one stack; `done` are nodes whose turn is over, a wave each."""

    plane: ControlPlane
    cluster: Cluster
    stack: Session
    done: list[str] = field(default_factory=list)
    _next: int = 1

    @classmethod
    def prepare(cls, folder: Path, *, nodes: int) -> "Site":
        """Start a cluster that no phase has touched; stop `plane` in the end."""
        plane = ControlPlane(folder / "plane", simulated_nodes=True, pod_network=simulated.POD_NETWORK)
        plane.start()
        simulated.populate(plane, nodes)
        stack = Session.start(
            kubeconfig=plane.kubeconfig, stack="faults", template="Pulumi.simulated.yaml", folder=folder, echo=False
        )
        return cls(plane=plane, cluster=Cluster(kubeconfig=str(plane.kubeconfig)), stack=stack)

    @classmethod
    def make(cls, folder: Path, *, nodes: int) -> "Site":
        """The same, brought to where the first node can move."""
        made = cls.prepare(folder, nodes=nodes)
        try:
            made.configure(phase="secondary")
            made.stack.up()
        except BaseException:
            made.plane.stop()
            raise
        return made

    def take_node(self) -> str:
        """A node that nothing has happened to."""
        name = f"worker-{self._next}"
        self._next += 1
        return name

    def configure(
        self,
        *,
        waves: list[list[str]] | None = None,
        phase: str = "migrate",
        sections: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        """Write the stack's whole config: these waves after those that are done, and these sections."""
        config = yaml.safe_load((self.stack.program / "Pulumi.simulated.yaml").read_text())["config"]
        config[f"{PROJECT}:phase"] = phase
        config[f"{PROJECT}:waves"] = [*([name] for name in self.done), *(waves or [])]
        # One operator: two of them exclude each other on a node.
        config[f"{PROJECT}:cilium"]["values"] = {"operator": {"replicas": 1}}
        # Looked at by the faults that are about it: it takes some seconds a wave.
        for name, values in {"traffic": {"enabled": False}, **(sections or {})}.items():
            config[f"{PROJECT}:{name}"] = {**config.get(f"{PROJECT}:{name}", {}), **values}
        self.stack.config.write_text(yaml.safe_dump({"config": config}))

    def other_stack(self) -> Session:
        """The same config in another stack, whose state is empty."""
        stack = Session.start(
            kubeconfig=self.plane.kubeconfig,
            stack="other",
            template="Pulumi.simulated.yaml",
            folder=self.stack.folder / "other",
            echo=False,
        )
        stack.config.write_text(self.stack.config.read_text())
        return stack

    def up(self, *options: str) -> RunningUp:
        """`pulumi up`, not yet listened to."""
        return RunningUp(self.stack, *options)

    def workload(self, name: str, node: str, *, replicas: int = 3) -> "Workload":
        """A Deployment in a namespace of its own, on the node as long as that takes pods."""
        made = Workload(cluster=self.cluster, namespace=name, replicas=replicas)
        made.create(node)
        return made

    def helpers(self) -> list[str]:
        """Pods of ours that should be gone when a run is over."""
        pods = [pod for name in NAMESPACES for pod in self.cluster.list(f"/api/v1/namespaces/{name}/pods")]
        kept = (probe.NAME,)
        return [
            pod["metadata"]["name"]
            for pod in pods
            if (pod["metadata"].get("labels") or {}).get("app.kubernetes.io/name") not in kept
        ]

    def assert_whole(self, *nodes: str, network: tuple[str, ...] = NEW, cordoned: bool = False) -> None:
        """These nodes are on the network with all their pods, as schedulable as before, and nothing of ours is left."""
        for name in nodes:
            node = read_node(self.cluster, name)
            assert step_of(node) is (TurnStep.MIGRATED if network == NEW else None), f"{name} is {step_of(node)}"
            assert node.unschedulable is cordoned, f"{name} is {'' if node.unschedulable else 'not '}cordoned"
            items = self.cluster.list("/api/v1/pods", fieldSelector=f"spec.nodeName={name}")
            pods = [pod for pod in map(Pod.read, items) if pod.on_pod_network and not pod.finished]
            stray = [f"{pod.title} {pod.address}" for pod in pods if not pod.address.startswith(network)]
            assert not stray, f"{name} has {stray}"
        assert self.helpers() == []


@dataclass
class Workload:
    """A Deployment `web` and what a test does to it."""

    cluster: Cluster
    namespace: str
    replicas: int

    def path(self, kind: str, name: str = "", *, group: str = "/api/v1") -> str:
        """The path of an object of the namespace, or of the collection."""
        return f"{group}/namespaces/{self.namespace}/{kind}" + (f"/{name}" if name else "")

    def create(self, node: str) -> None:
        """Make it, and return once all its pods are Ready."""
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}}
        self.cluster.create("/api/v1/namespaces", namespace)
        eventually(lambda: self.cluster.find(self.path("serviceaccounts", "default")))
        self.deployment(APP, node, replicas=self.replicas)
        eventually(lambda: len(self.ready()) == self.replicas)

    def deployment(self, name: str, node: str, *, replicas: int, **labels: str) -> None:
        """One Deployment more, whose pods `APP`'s budget guards as well."""
        prefers = {
            "weight": 100,
            "preference": {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}]},
        }
        pod = {
            "metadata": {"labels": {"app": name, "guarded": "yes", **labels}},
            "spec": {
                "containers": [{"name": "main", "image": "example"}],
                "terminationGracePeriodSeconds": 1,
                "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [prefers]}},
            },
        }
        body = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": pod},
        }
        self.cluster.create(self.path("deployments", group="/apis/apps/v1"), body)

    def budget(self, *, name: str = BUDGET, available: int) -> None:
        """A budget over all pods of the namespace; returns once it is counted."""
        body = {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": name},
            "spec": {"minAvailable": available, "selector": {"matchLabels": {"guarded": "yes"}}},
        }
        self.cluster.create(self.path("poddisruptionbudgets", group="/apis/policy/v1"), body)
        path = self.path("poddisruptionbudgets", name, group="/apis/policy/v1")
        eventually(lambda: (self.cluster.get(path).get("status") or {}).get("expectedPods"))

    def loosen(self, *, name: str = BUDGET) -> None:
        """The budget, if it is there still, allows everything from now on."""
        path = self.path("poddisruptionbudgets", name, group="/apis/policy/v1")
        if self.cluster.find(path):
            self.cluster.patch(path, {"spec": {"minAvailable": 0}})

    def pods(self) -> list[dict[str, Any]]:
        """The pods of `web`."""
        return self.cluster.list(self.path("pods"), labelSelector=f"app={APP}")

    def ready(self) -> list[Pod]:
        """Those that are Ready and stay."""
        return [pod for pod in map(Pod.read, self.pods()) if pod.ready and not pod.terminating_since]

    def try_again(self) -> None:
        """Have missing pods created now: the controller waits ever longer after each refusal."""
        for each in self.cluster.list(self.path("replicasets", group="/apis/apps/v1")):
            path = self.path("replicasets", each["metadata"]["name"], group="/apis/apps/v1")
            self.cluster.patch(path, {"metadata": {"annotations": {"example.com/touched": "yes"}}})

    def remove(self) -> None:
        """Gone soon, so that it is nobody else's work."""
        self.cluster.delete(f"/api/v1/namespaces/{self.namespace}")

    def assert_complete(self) -> None:
        """As many Ready pods as it shall have."""
        if self.cluster.find(self.path("deployments", APP, group="/apis/apps/v1")):
            eventually(lambda: len(self.ready()) == self.replicas)


def eventually(probed: Any, seconds: float = _PATIENCE_SECONDS, *, every: float = 0.1) -> Any:
    """Wait until the probe returns something true; returns that."""
    end = time.monotonic() + seconds
    while not (found := probed()):
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {json.dumps(found, default=str)}"
        time.sleep(every)
    return found


@contextmanager
def existing(cluster: Cluster, collection: str, body: dict[str, Any]) -> Iterator[None]:
    """The object is there until the block ends."""
    cluster.create(collection, body)
    try:
        yield
    finally:
        cluster.delete(f"{collection}/{body['metadata']['name']}")

"""The demo on simulated nodes: the whole program with a real API server and the real engine, without a data path."""

import ipaddress
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel
from rich.table import Table

from components.operations.cluster_api.api import Cluster
from components.operations.objects.model import Pod
from scripts.lab.console import LabError, Step, console
from scripts.lab.paths import lab_folder
from scripts.lab.reports import as_latest, new_folder
from scripts.lab.session import Session, build_simulated
from scripts.lab.simulated import lab as simulated
from scripts.lab.simulated.control_plane import ControlPlane
from scripts.lab.whole_migration import WholeMigration
from scripts.report.collect import collect
from scripts.report.page import to_html

CILIUM_NETWORK = ipaddress.ip_network("10.192.0.0/11")  # as in Pulumi.simulated.yaml
_APP, _APP_PODS = "shop", 6


class SimulatedResult(BaseModel):
    """The result of the demo; also written to `.lab/demo-simulated.json`."""

    nodes: int
    migrated: int
    seconds: float
    node_seconds: dict[str, float]


@dataclass(frozen=True)
class ApiWitness:
    """Verifies a node by the addresses of its pods, as a simulated node has nothing else."""

    cluster: Cluster

    def _networks(self, node: str) -> dict[str, bool]:
        items = self.cluster.list("/api/v1/pods", fieldSelector=f"spec.nodeName={node}")
        pods = [pod for pod in map(Pod.read, items) if pod.on_pod_network and not pod.finished and pod.address]
        return {pod.title: ipaddress.ip_address(pod.address) in CILIUM_NETWORK for pod in pods}

    def _assert(self, node: str, *, cilium: bool) -> Sequence[str]:
        found = self._networks(node)
        wrong = [title for title, on_cilium in found.items() if on_cilium is not cilium]
        if wrong:
            raise LabError(f"{node}: {', '.join(wrong)} {'not' if cilium else 'already'} on Cilium's network")
        return [f"{len(found)} pods on {'Cilium' if cilium else 'Flannel'}'s network"]

    def on_source(self, node: str) -> Sequence[str]:
        """Check that all of the node's pods have addresses of Flannel's network."""
        return self._assert(node, cilium=False)

    def on_cilium(self, node: str) -> Sequence[str]:
        """Check that all of the node's pods have addresses of Cilium's pool."""
        return self._assert(node, cilium=True)

    def source_gone(self, nodes: Sequence[str]) -> Sequence[str]:
        """Check that Flannel's DaemonSet is gone, and no node went back to its network."""
        for node in nodes:
            self._assert(node, cilium=True)
        names = [each["metadata"]["name"] for each in self.cluster.list("/apis/apps/v1/daemonsets")]
        if any("flannel" in name for name in names):
            raise LabError(f"Flannel is still there: {', '.join(names)}")
        return [f"no DaemonSet of Flannel any more; there are {', '.join(names)}"]


def _workload(plane: ControlPlane) -> None:
    labels = {"app": _APP}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "example"}]}}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": _APP, "namespace": "default"},
        "spec": {"replicas": _APP_PODS, "selector": {"matchLabels": labels}, "template": pod},
    }
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": _APP, "namespace": "default"},
        "spec": {"minAvailable": _APP_PODS - 2, "selector": {"matchLabels": labels}},
    }
    plane.kubectl(
        "apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": [deployment, budget]})
    )
    plane.kubectl("rollout", "status", f"deployment/{_APP}", "--timeout=120s")


def run_simulated_demo(*, nodes: int, folder: Path | None = None) -> SimulatedResult:
    """Run the whole demo from nothing; raises LabError if a node is not on the network that it should be on."""
    build_simulated()
    base = folder or lab_folder() / "demo-simulated"
    plane = ControlPlane(simulated_nodes=True, pod_network=simulated.POD_NETWORK)
    try:
        with Step(f"a real control plane and {nodes} simulated nodes with Flannel"):
            plane.start()
            simulated.populate(plane, nodes)
            _workload(plane)
        names = [f"worker-{number}" for number in range(1, nodes + 1)]
        base.mkdir(parents=True, exist_ok=True)
        session = Session.start(
            kubeconfig=plane.kubeconfig, stack="simulated", template="Pulumi.simulated.yaml", folder=base
        )
        # One replica: the anti-affinity of two would need a second free node, and three nodes are few.
        session.set(cilium__values__operator__replicas="1")
        witness = ApiWitness(Cluster(kubeconfig=str(plane.kubeconfig)))
        began = time.monotonic()
        turns = WholeMigration(session=session, witness=witness, nodes=names, consent="flannel").run()
        seconds = time.monotonic() - began
        with Step("the report"):
            found = collect(
                session.stack, folder=session.program, kubeconfig=str(plane.kubeconfig),
                environment=session.environment,
            )  # fmt: skip
            page = new_folder(folder or lab_folder()) / "report.html"
            page.write_text(to_html(found))
            as_latest(page.parent, base=base)
        done = json.loads(session.pulumi("stack", "output", "--json", quiet=True).output)["nodesDone"]
    finally:
        plane.stop()
    result = SimulatedResult(
        nodes=nodes,
        migrated=len(done),
        seconds=round(seconds, 1),
        node_seconds={k: round(v, 1) for k, v in turns.items()},
    )
    (lab_folder() / "demo-simulated.json").write_text(result.model_dump_json(indent=2) + "\n")
    _tell(result, page)
    return result


def _tell(result: SimulatedResult, page: Path) -> None:
    table = Table(title="Flannel → Cilium, simulated nodes", show_header=False, title_style="bold")
    table.add_row("nodes migrated", f"{result.migrated} of {result.nodes}")
    table.add_row("wall time", f"{result.seconds:.0f} s")
    table.add_row("each node's turn", ", ".join(f"{name} {took:.0f} s" for name, took in result.node_seconds.items()))
    console.print(table)
    console.print("real: API server, scheduler, controllers, budgets, engine, Cilium's chart; no packet was sent")
    console.print(f"the report: {page}; for a real data path: `make demo`")

"""A simulated lab: a real control plane in `.lab/simulated`, and nodes with Flannel that are simulated.

The API server, the scheduler, the controllers, the disruption budgets and Cilium's chart are real. The machines, their
kubelets, Flannel, Cilium and the program's own pods are simulated: no packet is sent, no container runs.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from components.operations.cluster_api.api import Cluster
from components.operations.deadline import Deadline, Pending, wait_until
from components.operations.objects.model import Node
from scripts.lab.console import Step, console
from scripts.lab.paths import lab_folder
from scripts.lab.simulated.control_plane import ControlPlane

# Room for a /24 for each of thousands of nodes; Pulumi.simulated.yaml has as much for Cilium.
POD_NETWORK = "10.128.0.0/10"
_NODES = "/api/v1/nodes"
_AT_ONCE = 16
_READY_SECONDS = 180


def control_plane(folder: Path | None = None) -> ControlPlane:
    """The simulated lab of this checkout, running or not."""
    return ControlPlane(folder or lab_folder() / "simulated", simulated_nodes=True, pod_network=POD_NETWORK)


def _node(number: int) -> dict[str, Any]:
    name = f"worker-{number}"
    labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
    }


def flannel_objects(network: str) -> list[dict[str, object]]:
    """Flannel's namespace, its settings and its DaemonSet."""
    settings = {"Network": network, "Backend": {"Type": "vxlan"}}
    place = {"namespace": "kube-flannel"}
    pod = {
        "hostNetwork": True,
        "tolerations": [{"operator": "Exists"}],
        "containers": [{"name": "kube-flannel", "image": "simulated/flannel:v0", "command": ["/opt/bin/flanneld"]}],
        "volumes": [{"name": "config", "configMap": {"name": "kube-flannel-cfg"}}],
    }
    labels = {"app": "flannel"}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-flannel"}},
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "kube-flannel-cfg", **place},
            "data": {"net-conf.json": json.dumps(settings)},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "DaemonSet",
            "metadata": {"name": "kube-flannel-ds", **place},
            "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}},
        },
    ]


def start(nodes: int) -> ControlPlane:
    """Start the lab with that many nodes, or grow a running one to that number; returns when every node is Ready."""
    plane = control_plane()
    if not plane.running():
        with Step("a real control plane"):
            plane.start()
    with Step(f"{nodes} simulated nodes with Flannel"):
        populate(plane, nodes)
    console.print("real: API server, controllers, scheduler, budgets, Cilium's chart", soft_wrap=True)
    console.print("simulated: machines, kubelets, and what Flannel, Cilium and the probe do there", soft_wrap=True)
    return plane


def populate(plane: ControlPlane, nodes: int) -> None:
    """Create Flannel's objects and the nodes `worker-1` to `worker-N`; returns when every node is Ready."""
    plane.kubectl(
        "apply", "--server-side", "--force-conflicts", "-f", "-", stdin=_together(flannel_objects(plane.pod_network))
    )
    cluster = Cluster(kubeconfig=str(plane.kubeconfig))
    there = {item["metadata"]["name"] for item in cluster.list(_NODES)}
    missing = [node for node in map(_node, range(1, nodes + 1)) if node["metadata"]["name"] not in there]
    # Not with kubectl, which creates one after the other.
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        list(pool.map(lambda node: cluster.create(_NODES, node), missing))
    wait_until(
        lambda: _all_ready(cluster),
        what="simulated nodes Ready",
        deadline=Deadline(_READY_SECONDS),
        remedy=f"see {plane.folder}/processes/simulator.log",
    )


def _together(objects: list[dict[str, object]]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})


def _all_ready(cluster: Cluster) -> Pending | None:
    nodes = [Node.read(item) for item in cluster.list(_NODES)]
    waiting = [node.name for node in nodes if not (node.ready and node.pod_cidrs)]
    return Pending(f"{len(waiting)} of {len(nodes)} are not, {waiting[0]} among them") if waiting else None

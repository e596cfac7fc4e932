"""A simulated lab: a real control plane in `.lab/simulated`, and nodes with Flannel that are simulated.

Real are the API server, the scheduler, the controllers, the budgets, and Cilium's chart. Simulated are the machines,
their kubelets, and what Flannel, Cilium and the program's own pods do there: no packet is sent, no container runs.
"""

import json
from pathlib import Path

from scripts.lab.console import Step
from scripts.lab.paths import lab_folder
from scripts.lab.simulated.control_plane import ControlPlane

# Room for a /24 on each of thousands of nodes; Pulumi.simulated.yaml has as much for Cilium.
POD_NETWORK = "10.128.0.0/10"


def control_plane(folder: Path | None = None) -> ControlPlane:
    """The simulated lab of this checkout, running or not."""
    return ControlPlane(folder or lab_folder() / "simulated", simulated_nodes=True, pod_network=POD_NETWORK)


def _node(number: int) -> dict[str, object]:
    name = f"worker-{number}"
    labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
    }


def _flannel() -> list[dict[str, object]]:
    settings = {"Network": POD_NETWORK, "Backend": {"Type": "vxlan"}}
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


def objects(nodes: int) -> list[dict[str, object]]:
    """The nodes `worker-1` to `worker-N`, and Flannel's namespace, settings and DaemonSet."""
    return [*(_node(number) for number in range(1, nodes + 1)), *_flannel()]


def start(nodes: int) -> ControlPlane:
    """Start it with so many nodes, or let a running one grow to that number; returns when every node is Ready."""
    plane = control_plane()
    if not plane.running():
        with Step("a real control plane"):
            plane.start()
    with Step(f"{nodes} simulated nodes"):
        together = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects(nodes)})
        plane.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=together)
        plane.wait_for_nodes("node", "--all")
    return plane

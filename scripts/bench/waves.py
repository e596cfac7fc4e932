"""Benchmarks a wave of many nodes against one node's turn, to show how parallel a wave is."""

import json
from pathlib import Path

from scripts.lab.session import Session
from scripts.lab.simulated import lab as simulated
from scripts.lab.simulated.control_plane import ControlPlane
from scripts.lab.simulated.faults import Faults, PodFaults

_DRAIN_SECONDS = 5.0
_SPARE_NODES = 3
_APP = "slow"


def _one_pod_a_node(nodes: int) -> dict[str, object]:
    labels = {"app": _APP}
    spread = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": labels},
    }
    pod = {"containers": [{"name": "main", "image": "example"}], "topologySpreadConstraints": [spread]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": _APP, "namespace": "default"},
        "spec": {
            "replicas": nodes,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def measure(plane: ControlPlane, folder: Path, *, width: int) -> tuple[float, float]:
    """Seconds of (a wave of `width` nodes, one node's turn); each node's pods take five seconds to terminate."""
    nodes = 1 + width + _SPARE_NODES
    simulated.populate(plane, nodes)
    session = Session.start(
        kubeconfig=plane.kubeconfig, stack="waves", template="Pulumi.simulated.yaml", folder=folder, echo=False
    )
    session.up()
    # One replica: with two, their anti-affinity would wait for a second node that is not cordoned.
    session.set(phase="secondary", cilium__values__operator__replicas="1")
    session.up()
    plane.kubectl("apply", "-f", "-", stdin=json.dumps(_one_pod_a_node(nodes)))
    plane.kubectl("rollout", "status", f"deployment/{_APP}", "--timeout=120s")
    with plane.faults.during(Faults(pods={f"default/{_APP}": PodFaults(terminate_seconds=_DRAIN_SECONDS)})):
        session.set_path("waves[0][0]", "worker-1")
        one = session.up().seconds
        for place in range(width):
            session.set_path(f"waves[1][{place}]", f"worker-{place + 2}")
        wave = session.up(parallel=2 * width).seconds
    return wave, one

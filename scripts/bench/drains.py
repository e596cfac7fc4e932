"""Benchmarks the program's drain against kubectl's, with the same pods on the same simulated node."""

import json
import subprocess
import time
from collections.abc import Callable

from components.operations.cluster_api.api import Cluster
from components.operations.draining.cordon import cordon, uncordon
from components.operations.draining.drain import drain
from components.operations.progress import Progress
from components.operations.turn_annotations import TurnStep, clear
from scripts.lab.console import LabError
from scripts.lab.simulated.control_plane import ControlPlane
from stacks.sections.node import DrainSettings

_NODE = "worker-1"
_PATIENCE_SECONDS = 60


def _deployment(pods: int) -> dict[str, object]:
    spec = {
        "containers": [{"name": "main", "image": "example"}],
        "nodeSelector": {"bench": "here"},
        "terminationGracePeriodSeconds": 1,
    }
    template = {"metadata": {"labels": {"app": "bench"}}, "spec": spec}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "bench", "namespace": "default"},
        "spec": {"replicas": pods, "selector": {"matchLabels": {"app": "bench"}}, "template": template},
    }


def prepare(plane: ControlPlane, *, pods: int) -> tuple[Callable[[], None], Callable[[], None], Callable[[], None]]:
    """(restore the pods, the program's drain, kubectl's); neither waits for replacements: there is no other node."""
    cluster = Cluster(kubeconfig=str(plane.kubeconfig))
    plane.kubectl("label", "node", _NODE, "bench=here", "--overwrite")
    plane.kubectl("apply", "-f", "-", stdin=json.dumps(_deployment(pods)))

    def settle() -> None:
        uncordon(cluster, _NODE)
        clear(cluster, _NODE)
        plane.kubectl("uncordon", _NODE)
        end = time.monotonic() + _PATIENCE_SECONDS
        while True:
            found = cluster.list("/api/v1/namespaces/default/pods", labelSelector="app=bench")
            running = [pod for pod in found if pod["status"].get("phase") == "Running"]
            if len(running) == pods == len(found):
                return
            if time.monotonic() > end:
                raise LabError(f"{len(running)} of {pods} pods run on {_NODE} after {_PATIENCE_SECONDS} s")
            time.sleep(0.1)

    def ours() -> None:
        cordon(cluster, _NODE, step=TurnStep.DRAINING)
        options = DrainSettings(timeout_seconds=_PATIENCE_SECONDS, wait_for_replacements=False)
        drain(cluster, _NODE, options=options, progress=Progress(_NODE, 2))

    def kubectls() -> None:
        words = ["drain", _NODE, "--ignore-daemonsets", f"--timeout={_PATIENCE_SECONDS}s"]
        command = [str(plane.kubectl_binary), f"--kubeconfig={plane.kubeconfig}", *words]
        subprocess.run(command, check=True, capture_output=True)

    return settle, ours, kubectls

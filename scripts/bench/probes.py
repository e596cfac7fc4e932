"""Benchmarks reading many nodes' probes and judging them by a budget, in a process of its own."""

import json
import subprocess
import sys
import time

from pydantic import BaseModel

from components import probe
from components.namespaces import namespace
from components.operations.cluster_api.api import Cluster
from components.operations.deadline import Deadline, Pending, wait_until
from components.operations.objects.model import Pod
from components.pods import OurPods
from components.probe import manifests
from scripts.lab.paths import CHECKOUT
from scripts.lab.simulated import lab as simulated
from scripts.lab.simulated.control_plane import ControlPlane

_READY_SECONDS = 600
_OF_KUBECTL = 50
_SOME_RECORDS_SECONDS = 10

_READER = """
import json, resource, sys, time
from components.operations.cluster_api.api import Cluster
from components.operations.probes.probe_logs import read_probes
from components.probe.budget import Allowance, Budget, broken
from components.probe.reading import measure
from components.probe.records import Networks
cluster = Cluster(kubeconfig=sys.argv[1])
began = time.monotonic()
reading, silent = read_probes(cluster)
measurement = measure(reading, networks=Networks(old=("10.128.0.0/10",)), silent=silent)
lines = broken(measurement, Budget(kinds={"pod-echo": Allowance(), "pod-http": Allowance()}))
print(json.dumps({
    "seconds": time.monotonic() - began,
    "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    "probes": measurement.probes,
    "silent": len(measurement.silent),
    "broken": lines[:3],
}))
"""


class Read(BaseModel):
    """The time, peak memory and result of one reading."""

    seconds: float
    megabytes: float
    probes: int
    silent: int
    broken: list[str]


def read(plane: ControlPlane) -> Read:
    """Read and judge all probes of a control plane once."""
    command = [sys.executable, "-c", _READER, str(plane.kubeconfig)]
    done = subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True, text=True)
    return Read.model_validate_json(done.stdout)


def deploy(plane: ControlPlane, *, nodes: int) -> list[Pod]:
    """Deploy the probe on that many simulated nodes; returns its pods when all are Ready."""
    simulated.populate(plane, nodes)
    items = [namespace(probe.NAMESPACE), *manifests.manifests(OurPods(image="simulated"))]
    together = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    plane.kubectl("apply", "--server-side", "-f", "-", stdin=together)
    cluster = Cluster(kubeconfig=str(plane.kubeconfig))
    path, label = f"/api/v1/namespaces/{probe.NAMESPACE}/pods", f"app.kubernetes.io/name={probe.NAME}"
    wanted = nodes + manifests.MOVING_REPLICAS

    def ready() -> list[Pod] | Pending:
        pods = [pod for pod in map(Pod.read, cluster.list(path, labelSelector=label)) if pod.ready]
        return pods if len(pods) >= wanted else Pending(f"{len(pods)} of {wanted} are")

    return wait_until(
        ready,
        what=f"probes of {nodes} simulated nodes Ready",
        deadline=Deadline(_READY_SECONDS),
        remedy=f"see {plane.folder}/processes/simulator.log",
        every_seconds=2,
    )


def measure(plane: ControlPlane, *, nodes: int) -> tuple[Read, float]:
    """(the program's reading of all probes, the seconds that `kubectl logs` would take for as many pods)."""
    pods = deploy(plane, nodes=nodes)
    time.sleep(_SOME_RECORDS_SECONDS)
    ours = read(plane)
    some = pods[:_OF_KUBECTL]
    began = time.monotonic()
    for pod in some:
        plane.kubectl("-n", pod.namespace, "logs", pod.name, "--tail=4")
    return ours, (time.monotonic() - began) / len(some) * len(pods)

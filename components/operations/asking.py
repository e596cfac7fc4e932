"""Has a pod of ours try targets, each until it answers or time is over, by a command through its kubelet."""

import json
from collections.abc import Mapping
from importlib import resources
from typing import Any

from components import probe
from components.operations.api import Cluster
from components.operations.deadline import OperationError

Outcomes = dict[str, dict[str, Any]]
_MARGIN_SECONDS = 20


def reach(cluster: Cluster, pod: str, targets: Mapping[str, str], *, seconds: float) -> Outcomes:
    """Ask URLs and names; raises ClusterError if the pod can't be asked, OperationError if it could not do it."""
    return _run(cluster, pod, [f"{probe.FOLDER}/reach.py"], targets, seconds=seconds)


def connect(cluster: Cluster, pod: str, targets: Mapping[str, str], *, seconds: float) -> Outcomes:
    """Open connections, without a word; the pod need not have the program."""
    program = (resources.files("components.operations") / "in_pod" / "connect.py").read_text()
    return _run(cluster, pod, ["-c", program], targets, seconds=seconds)


def _run(cluster: Cluster, pod: str, program: list[str], targets: Mapping[str, str], *, seconds: float) -> Outcomes:
    result = cluster.execute(
        namespace=probe.NAMESPACE,
        pod=pod,
        container=probe.NAME,
        command=["python3", *program, json.dumps(dict(targets)), str(seconds)],
        timeout_seconds=seconds + _MARGIN_SECONDS,
    )
    lines = result.output.strip().splitlines()
    if result.exit_code != 0 or not lines:
        raise OperationError(f"pod {probe.NAMESPACE}/{pod} could not ask its targets: {result.output.strip()[-300:]}")
    return dict(json.loads(lines[-1]))

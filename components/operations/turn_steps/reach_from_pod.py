"""Tests from one of our pods which targets answer, each again until it does or its deadline passes."""

import json
from collections.abc import Mapping
from typing import Any, Protocol

from components import probe
from components.operations.cluster_api.api import Cluster
from components.operations.deadline import OperationError

Outcomes = dict[str, dict[str, Any]]
_MARGIN_SECONDS = 20


class Teller(Protocol):
    """Takes lines of news, as a turn's progress does."""

    def say(self, text: str) -> None:
        """One line."""


def reach(cluster: Cluster, pod: str, targets: Mapping[str, str], *, seconds: float) -> Outcomes:
    """Ask URLs, names (dns://) and ports (tcp://).

    Raises ClusterError if the pod can't be asked, OperationError if it could not do it.
    """
    result = cluster.execute(
        namespace=probe.NAMESPACE,
        pod=pod,
        container=probe.NAME,
        command=["python3", f"{probe.FOLDER}/reach.py", json.dumps(dict(targets)), str(seconds)],
        timeout_seconds=seconds + _MARGIN_SECONDS,
    )
    lines = result.output.strip().splitlines()
    if result.exit_code != 0 or not lines:
        raise OperationError(f"pod {probe.NAMESPACE}/{pod} could not ask its targets: {result.output.strip()[-300:]}")
    return dict(json.loads(lines[-1]))

"""Traffic that is lost before the first change, and what a wave that lost too much leaves behind; secrets stay such.

Every setting of the stack that may be a secret is one, as any other story of a whole wave would do for that.
"""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from components.operations import lease
from components.operations.cluster_api.api import Cluster
from components.operations.probes.probe_logs import read_probes
from components.operations.step_records import steps_of
from components.operations.turn.turn_record import record_of_turn
from components.operations.turn_annotations import TurnStep, read_node, step_of
from components.probe.budget import Budget
from scripts.lab.session import Session
from scripts.lab.simulated.control_plane import ControlPlane
from scripts.lab.simulated.faults import BrokenFlow, Faults
from scripts.report.changes import make_changes
from scripts.report.cluster_record import read_told
from scripts.report.turns import troubles
from stacks.config import parse_config
from tests.engine.secret_words import SecretWords
from tests.operations.conftest import eventually
from tests.operations.gates.web_server import Web, says, serving

pytestmark = [pytest.mark.engine, pytest.mark.apiserver, pytest.mark.timeout(600)]
NODE, OTHER = "worker-1", "worker-3"


@pytest.fixture
def stack(plane: ControlPlane, tmp_path: Path) -> Session:
    return Session.start(
        kubeconfig=plane.kubeconfig, stack="simulated", template="Pulumi.simulated.yaml", folder=tmp_path, echo=False
    )


@pytest.fixture
def alerts() -> Iterator[Web]:
    """A Prometheus where no alert fires; it knows nobody yet when it is asked first."""
    quiet = json.dumps({"status": "success", "data": {"resultType": "vector", "result": []}})

    def answer(handler: BaseHTTPRequestHandler) -> None:
        says(quiet, status=401 if len(web.asked) == 1 else 200)(handler)

    with serving(answer) as web:
        yield web


def _outputs(stack: Session) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(stack.pulumi("stack", "output", "--json").output)
    return found


def test_a_wave_over_its_budget_is_on_record(plane: ControlPlane, stack: Session, alerts: Web) -> None:
    cluster = Cluster(kubeconfig=str(plane.kubeconfig))
    secrets = SecretWords.put_into(stack, plane, alerts.url)

    def look() -> None:
        for _ in range(5):  # simulated probes notice only when they are read, some time after a fault is made
            read_probes(cluster)
            time.sleep(1)

    stack.up()
    stack.set_path("phase", "secondary")
    stack.set_path("traffic.baselineSeconds", "4")
    stack.set_path("traffic.soakSeconds", "10")
    with plane.faults.during(Faults(flows=(BrokenFlow(source=OTHER, target="worker-2"),))):
        look()
        run = stack.up(check=False)
    assert run.exit_code != 0
    assert "phase secondary does not begin, nothing was changed: traffic is lost already" in run.output
    assert cluster.find("/apis/apps/v1/namespaces/kube-system/daemonsets/cilium") is None
    look()
    time.sleep(4)
    stack.up()
    stack.set_path("waves[0][0]", NODE)
    run = stack.up(check=False)
    assert f"Prometheus at {alerts.url} cannot be asked for firing alerts (it answers 401: it does not" in run.output

    def lose() -> None:
        eventually(lambda: step_of(read_node(cluster, NODE)) in (TurnStep.SWITCHING, TurnStep.MIGRATED), 240)
        plane.faults.write(Faults(flows=(BrokenFlow(source=OTHER, target="worker-2"),)))
        look()

    losing = threading.Thread(target=lose)
    losing.start()
    run = stack.up(check=False)
    losing.join()
    plane.faults.clear()
    assert run.exit_code != 0
    assert "wave 0 is done, but it broke its traffic budget" in run.output
    assert "Traceback" not in run.output
    held = lease.read(cluster)
    assert held, "a run that ends, well or not, leaves the cluster to the next one at once"
    assert held.holder == ""
    (trouble,) = troubles(read_told(cluster))
    assert (trouble.node, trouble.message[:14]) == (NODE, "wave 0 is done")

    stack.up()
    outputs = _outputs(stack)
    turn = record_of_turn(read_node(cluster, NODE))
    allowed = parse_config({}).traffic.budget
    assert {
        kind: (each.failed, each.gap_ms) for kind, each in Budget.read(outputs["waves"][0]["budget"]).kinds.items()
    } == {kind: (each.failed, each.gap_ms) for kind, each in allowed.items()}
    assert outputs["waves"][0]["traffic"][NODE]["sent"] > 0
    assert outputs["nodes"][NODE] == {name: turn[name] for name in ("began", "finished")}
    assert turn["began"] < turn["finished"]
    steps = steps_of(turn["steps"])
    assert [step.name for step in steps][:3] == ["cordon", "drain", "agent"]
    assert all(step.end for step in steps)
    assert [step.start for step in steps] == sorted(step.start for step in steps)
    phase, wave = make_changes(outputs)
    assert (phase.title, phase.over_budget) == ("phase secondary", ())
    assert (wave.title, wave.nodes) == ("wave 0", (NODE,))
    assert wave.over_budget
    assert all(line.startswith(f"{OTHER} → worker-2, pod to pod") for line in wave.over_budget)
    assert secrets.found(cluster) == []
    assert secrets.sent_to(alerts)
    assert "to update" not in stack.preview().output

"""Which host ports of a node count, who is to blame where one does not answer, and the program that tries them."""

import json
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from components import probe
from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError
from components.operations.objects.model import Pod
from components.operations.progress import Progress
from components.operations.turn_steps import host_ports as module
from components.operations.turn_steps.host_ports import ask_host_ports, host_ports
from components.operations.turn_steps.reach_from_pod import Outcomes
from tests.builders import make_node

NODE = make_node("worker-1")
ADDRESS = NODE.internal_addresses[0]
PORT: dict[str, Any] = {"containerPort": 80, "hostPort": 8088}
TITLE = f"node worker-1, hostPort 8088 ({ADDRESS}) → pod shop/edge"


def pod(*ports: dict[str, Any], ready: bool = True, address: str = "10.245.1.5", **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"namespace": "shop", "name": "edge", "uid": "u"},
        "spec": {"nodeName": "worker-1", "containers": [{"name": "main", "ports": list(ports)}], **spec},
        "status": {
            "phase": "Running", "podIP": address,
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
        },
    }  # fmt: skip


def belongs(each: Pod) -> bool:
    return each.address.startswith("10.245.")


@pytest.mark.parametrize(
    ("item", "found"),
    [
        (pod(PORT), [(ADDRESS, 8088, "10.245.1.5:80")]),
        (pod({**PORT, "hostIP": "0.0.0.0"}), [(ADDRESS, 8088, "10.245.1.5:80")]),
        (pod({**PORT, "hostIP": ADDRESS}), [(ADDRESS, 8088, "10.245.1.5:80")]),
        (pod({**PORT, "hostIP": "127.0.0.1"}), []),
        (pod({**PORT, "protocol": "UDP"}), []),
        (pod({"containerPort": 80}), []),
        (pod(PORT, ready=False), []),
        (pod(PORT, address="10.244.1.5"), []),
        (pod(PORT, hostNetwork=True), []),
        (pod(), []),
    ],
)
def test_tcp_ports_of_ready_pods_on_the_new_network_count(item: dict[str, Any], found: list[tuple[Any, ...]]) -> None:
    ports = host_ports([item], NODE, belongs=belongs)
    assert [(port.address, port.port, port.behind) for port in ports] == found


class Listing(Cluster):
    def __init__(self, *items: dict[str, Any]) -> None:
        self._items = items

    def list(self, path: str, **query: Any) -> list[dict[str, Any]]:
        assert (path, query) == ("/api/v1/pods", {"fieldSelector": "spec.nodeName=worker-1"})
        return list(self._items)


def ask(monkeypatch: pytest.MonkeyPatch, accepts: Mapping[str, set[str] | None]) -> tuple[Outcomes, list[str]]:
    """The verdict if each client reaches some targets; None is a client that cannot be asked."""
    asked: list[str] = []

    def reach(_cluster: Cluster, asker: str, targets: Mapping[str, str], *, seconds: float) -> Outcomes:
        asked.append(asker)
        through = accepts[asker]
        if through is None:
            raise ClusterError("its kubelet is away")
        return {
            title: {"ok": target in through, "seconds": seconds, "tries": 3, "said": "timed out"}
            for title, target in targets.items()
        }

    monkeypatch.setattr(module, "reach", reach)
    cluster, progress = Listing(pod(PORT)), Progress("worker-1", 7)
    return ask_host_ports(cluster, NODE, belongs=belongs, askers=list(accepts), news=progress), asked


HOST, BEHIND = f"tcp://{ADDRESS}:8088", "tcp://10.245.1.5:80"


def test_one_that_accepts_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    judged, asked = ask(monkeypatch, {"probe-a": {HOST}, "fresh": set()})
    assert (judged[TITLE]["ok"], asked) == (True, ["probe-a"])


def test_one_that_is_closed_to_other_nodes_on_purpose_is_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    judged, _ = ask(monkeypatch, {"probe-a": {BEHIND}, "fresh": {HOST}})
    assert judged[TITLE]["ok"]


def test_one_that_leads_nowhere_is_broken_and_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    judged, asked = ask(monkeypatch, {"probe-a": None, "probe-b": {BEHIND}, "fresh": set()})
    assert not judged[TITLE]["ok"]
    assert "10.245.1.5:80 accepts" in judged[TITLE]["said"]
    assert "cni.chainingMode: portmap" in judged[TITLE]["said"]
    assert asked == ["probe-a", "probe-b", "fresh"]


def test_a_pod_that_accepts_nowhere_is_not_judged(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    judged, _ = ask(monkeypatch, {"probe-a": set(), "fresh": set()})
    assert judged == {}
    assert "hostPort 8088" in capsys.readouterr().err


def test_the_program_tells_open_ports_from_closed_ones() -> None:
    program = Path(probe.__file__).parent / "in_pod" / "reach.py"
    with socket.create_server(("127.0.0.1", 0)) as open_, socket.create_server(("127.0.0.1", 0)) as closed:
        targets = {name: f"tcp://127.0.0.1:{each.getsockname()[1]}" for name, each in (("a", open_), ("b", closed))}
        closed.close()
        done = subprocess.run(
            [sys.executable, str(program), json.dumps(targets), "0.5"],
            capture_output=True, text=True, check=True, timeout=20,
        )  # fmt: skip
    found = json.loads(done.stdout)
    assert (found["a"]["ok"], found["b"]["ok"]) == (True, False)
    assert found["b"]["tries"] > 1
    assert "refused" in found["b"]["said"]

"""The lab for real: starts it, reboots a node from inside a pod, stops it, and looks for what is left."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from scripts.lab.images import catalogue
from scripts.lab.lab import Lab
from scripts.lab.leftovers import lab_processes

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

_POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "operator", "namespace": "default"},
    "spec": {
        "nodeName": "worker-1",
        "hostPID": True,
        "terminationGracePeriodSeconds": 1,
        "containers": [
            {
                "name": "shell",
                "image": catalogue.PYTHON,
                "command": ["sleep", "infinity"],
                "securityContext": {"privileged": True},
            }
        ],
    },
}


def _until(condition: Callable[[], bool], *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.2)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    lab = Lab()
    lab.down()
    lab.up(nodes=2)
    yield lab
    lab.down()
    assert lab_processes(lab.lab_id) == []


def _boot_id(lab: Lab, node: str) -> str:
    return lab.kubectl("get", "node", node, "--output=jsonpath={.status.nodeInfo.bootID}").stdout


def test_every_node_is_ready_and_reports_its_own_boot(lab: Lab) -> None:
    status = lab.status()
    assert status.api_ready
    nodes = [machine for machine in status.machines if machine.ready is not None]
    assert {node.name for node in nodes} == {"worker-1", "worker-2"}
    assert all(node.ready for node in nodes)
    assert {_boot_id(lab, node.name) for node in nodes} == {node.boot_id for node in nodes}


def test_up_again_changes_nothing(lab: Lab) -> None:
    before = lab.status()
    lab.up(nodes=2)
    assert lab.status() == before


def test_a_privileged_pod_reboots_its_node_as_on_a_real_machine(lab: Lab) -> None:
    lab.kubectl("apply", "--filename=-", stdin=json.dumps(_POD))
    lab.kubectl("wait", "pod/operator", "--for=condition=Ready", "--timeout=60s")
    for name, kind in {"marker": "dummy-file", "disk": "kept"}.items():
        folder = {"marker": "/run", "disk": "/etc"}[name]
        lab.exec("worker-1", ["sh", "-c", f"echo {kind} > {folder}/{name}"])
    lab.exec("worker-1", ["ip", "link", "add", "gone", "type", "bridge"])
    before, others = _boot_id(lab, "worker-1"), _boot_id(lab, "worker-2")
    lab.kubectl(
        "exec", "operator", "--", "nsenter", "-t", "1", "-m", "-u", "-i", "-n", "-p", "--", "reboot", check=False
    )
    _until(lambda: _boot_id(lab, "worker-1") != before)
    assert _boot_id(lab, "worker-2") == others
    current = lab.current()
    assert current is not None
    assert current.machines["worker-1"].last_end == "reboot"
    assert lab.exec("worker-1", ["ls", "/run/marker"], check=False).returncode != 0
    assert lab.exec("worker-1", ["ip", "link", "show", "gone"], check=False).returncode != 0
    assert lab.exec("worker-1", ["cat", "/etc/disk"]).stdout == "kept\n"
    _until(lambda: all(machine.ready is not False for machine in lab.status().machines))


def test_the_machines_own_network_has_nothing_of_the_lab(lab: Lab) -> None:
    addresses = subprocess.run(["ip", "-brief", "address"], capture_output=True, text=True, check=True).stdout
    assert "172.30.0." not in addresses
    assert "10.244." not in addresses


def test_names_resolve_in_pods(lab: Lab) -> None:
    program = "import socket; print(socket.gethostbyname('kubernetes.default'))"
    _until(lambda: lab.kubectl("exec", "operator", "--", "python3", "-c", program, check=False).stdout == "10.96.0.1\n")

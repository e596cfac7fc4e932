"""The file of faults, and a simulated lab that is stopped and started again."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from scripts.lab.simulated import MACHINES_FILE, lab
from scripts.lab.simulated.control_plane import ControlPlane
from scripts.lab.simulated.faults import BrokenFlow, FaultFile, Faults, NodeFaults, PodFaults


def test_whoever_reads_has_what_was_written_last(tmp_path: Path) -> None:
    file, reader = FaultFile(tmp_path / "faults.json"), FaultFile(tmp_path / "faults.json")
    assert reader.read() == Faults()
    with file.during(Faults(nodes={"worker-1": NodeFaults(agent="crashing")})):
        assert reader.read().node("worker-1").agent == "crashing"
        file.write(Faults(nodes={"*": NodeFaults(tunnel_down=True), "worker-1": NodeFaults()}))
        assert not reader.read().node("worker-1").tunnel_down
        assert reader.read().node("worker-2").tunnel_down
    assert reader.read() == Faults()


def test_the_longest_beginning_of_a_pods_name_counts() -> None:
    faults = Faults(pods={"default/": PodFaults(logs_fail=True), "default/web-": PodFaults(terminate_seconds=5)})
    assert faults.pod("default/web-1") == PodFaults(terminate_seconds=5)
    assert faults.pod("default/other") == PodFaults(logs_fail=True)
    assert faults.pod("elsewhere/web-1") == PodFaults()


def test_flows_are_broken_in_one_direction() -> None:
    faults = Faults(flows=(BrokenFlow(source="worker-1", target="worker-2"), BrokenFlow(target="dns")))
    assert faults.breaks("worker-1", "worker-2")
    assert not faults.breaks("worker-2", "worker-1")
    assert faults.breaks("worker-3", "dns")


def test_a_fault_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValidationError):
        NodeFaults.model_validate({"agnet": "crashing"})


@pytest.mark.apiserver
def test_machines_and_addresses_survive_a_stop_of_the_control_plane(tmp_path: Path) -> None:
    def seen(plane: ControlPlane) -> dict[str, tuple[str, str]]:
        nodes = json.loads(plane.kubectl("get", "nodes", "-o", "json"))["items"]
        return {
            each["metadata"]["name"]: (each["status"]["addresses"][0]["address"], each["status"]["nodeInfo"]["bootID"])
            for each in nodes
        }

    plane = ControlPlane(tmp_path, simulated_nodes=True)
    with plane:
        lab.populate(plane, 2)
        plane.kubectl("-n", "kube-flannel", "rollout", "status", "daemonset/kube-flannel-ds", "--timeout=20s")
        before = seen(plane)
    stored = json.loads((tmp_path / MACHINES_FILE).read_text())
    assert [each["conf"] for each in stored] == [["10-flannel.conflist"]] * 2
    with ControlPlane(tmp_path, simulated_nodes=True) as again:
        again.wait_for_nodes("node", "--all")
        again.add_node("late")
        assert seen(again).items() >= before.items()

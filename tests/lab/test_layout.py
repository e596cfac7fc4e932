from pathlib import Path

import pytest
from pydantic import ValidationError

from scripts.lab.cluster.layout import CONTROL_PLANE, Layout, lab_id


def test_every_machine_has_its_own_name_address_port_and_hardware_address() -> None:
    layout = Layout(lab_id="lab-1", node_count=40)
    machines = layout.machines
    assert len(machines) == 41
    for values in (
        {machine.name for machine in machines},
        {machine.address for machine in machines},
        {machine.port for machine in machines},
        {machine.hardware_address for machine in machines},
    ):
        assert len(values) == 41
    assert all(machine.address in layout.lan for machine in machines)
    assert all(len(machine.port) <= 15 for machine in machines)


def test_the_control_plane_comes_first_and_is_no_node() -> None:
    layout = Layout(lab_id="lab-1")
    assert [machine.name for machine in layout.machines] == [CONTROL_PLANE, "worker-1", "worker-2", "worker-3"]
    assert CONTROL_PLANE not in {node.name for node in layout.nodes}


def test_addresses_of_services_are_inside_their_network() -> None:
    layout = Layout(lab_id="lab-1")
    assert layout.dns in layout.services
    assert layout.api_service in layout.services
    assert layout.api_server == "https://172.30.0.10:6443"


@pytest.mark.parametrize("count", [0, 41])
def test_a_number_of_nodes_that_does_not_fit_is_refused(count: int) -> None:
    with pytest.raises(ValidationError):
        Layout(lab_id="lab-1", node_count=count)


def test_the_layout_survives_being_written_and_read() -> None:
    layout = Layout(lab_id="lab-1", node_count=5)
    assert Layout.model_validate_json(layout.model_dump_json()) == layout


def test_each_folder_has_a_lab_of_its_own(tmp_path: Path) -> None:
    first, second = lab_id(tmp_path / "a"), lab_id(tmp_path / "b")
    assert first != second
    assert first == lab_id(tmp_path / "b" / ".." / "a")

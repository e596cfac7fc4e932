"""Fixtures that more than one folder of tests uses."""

from collections.abc import Iterator

import pytest

from scripts.lab.simulated.control_plane import ControlPlane


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    """One real API server for the whole run, with two simulated nodes; tests keep to their own namespaces."""
    with ControlPlane(simulated_nodes=True) as running:
        for name in ("simulated-1", "simulated-2"):
            running.add_node(name)
        yield running

"""Fixtures that more than one folder of tests uses."""

import os
from collections.abc import Iterator

import pytest

from scripts.lab.paths import CHECKOUT
from scripts.lab.simulated.control_plane import ControlPlane

# The tests' lab is not the user's: they may start and stop it as they like.
os.environ["LAB_FOLDER"] = str(CHECKOUT / ".lab" / "tests")


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    """One real API server for the whole run, with two simulated nodes; tests keep to their own namespaces."""
    with ControlPlane(simulated_nodes=True) as running:
        for name in ("simulated-1", "simulated-2"):
            running.add_node(name)
        yield running

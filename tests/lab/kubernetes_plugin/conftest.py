from collections.abc import Iterator
from itertools import count

import pytest

from scripts.lab.kubernetes_plugin.__main__ import serve
from scripts.lab.kubernetes_plugin.protocol.server import Plugin
from scripts.lab.simulated.control_plane import ControlPlane
from tests.lab.kubernetes_plugin.engine import Engine

_numbers = count(1)


@pytest.fixture(scope="session")
def engine(control_plane: ControlPlane) -> Iterator[Engine]:
    """The plugin, configured for the shared cluster as a program would by default."""
    server, port = serve(Plugin())
    client = Engine(port)
    client.configure(kubeconfig=control_plane.kubeconfig.read_text())
    yield client
    client.channel.close()
    server.stop(grace=None)


@pytest.fixture
def namespace(control_plane: ControlPlane) -> str:
    """A namespace of the test's own; it stays until the cluster goes."""
    name = f"plugin-{next(_numbers)}"
    control_plane.kubectl("create", "namespace", name)
    return name

"""One site for all faults; each takes a node of its own."""

from collections.abc import Iterator

import pytest

from tests.faults.site import NODES, Site


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("faults")
    made = Site.make(folder, nodes=NODES)
    yield made
    made.plane.stop()

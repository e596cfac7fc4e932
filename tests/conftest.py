"""Fixtures that more than one folder of tests uses."""

import os
from collections.abc import Generator, Iterator

import pytest
from hypothesis import HealthCheck, settings

from scripts.lab.paths import CHECKOUT
from scripts.lab.simulated.control_plane import ControlPlane
from scripts.lab.simulated.processes import Processes
from tests import costs
from tests.commands.printed import Printed
from tests.program import own_program
from tests.remedies import TYPED

# A busy machine is slow, and that is no fault of what a property test looks at.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

# The tests' lab is not the user's: they may start and stop it as they like.
os.environ["LAB_FOLDER"] = str(CHECKOUT / ".lab" / "tests")
# A run ends what killed engines of its program's folder left, which must not be another worker's test at work.
os.environ["LAB_PROGRAM"] = str(own_program(os.environ.get("PYTEST_XDIST_WORKER", "alone")))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--costs", default="", help="append what each test costs to this file, as lines of JSON")


def pytest_configure(config: pytest.Config) -> None:
    if file := config.getoption("--costs"):
        costs.register(config, file)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with the longest tests first, so that no worker ends long after the other.

    Those are the ones that are allowed the most time, then those that start an engine, then an API server.
    """
    longest: dict[os.PathLike[str], tuple[float, ...]] = {}
    for item in items:
        mark = item.get_closest_marker("timeout")
        starts = [float(item.get_closest_marker(name) is not None) for name in ("engine", "browser", "apiserver")]
        cost = (float(mark.args[0]) if mark else 0.0, *starts)
        longest[item.path] = max(longest.get(item.path, cost), cost)
    items.sort(key=lambda item: longest[item.path], reverse=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """A test that is marked to execute commands which the program prints has typed each of them."""
    before = len(TYPED)
    yield
    wanted = [str(text) for mark in item.iter_markers("executes") for text in mark.args]
    missed = [text for text in wanted if not any(map(Printed(text).fits, TYPED[before:]))]
    assert not missed, f"not typed: {missed}"


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    """One real API server for the whole run, with two simulated nodes; tests keep to their own namespaces."""
    with ControlPlane(simulated_nodes=True) as running:
        for name in ("simulated-1", "simulated-2"):
            running.add_node(name)
        yield running


@pytest.fixture(scope="session")
def bare_plane() -> Iterator[ControlPlane]:
    """etcd and API server alone: nothing happens to an object but what a client asks for.

    Pages are read from etcd, as every API server before 1.34 does, and not from a cache that outlives a compaction.
    """
    with ControlPlane(api_server_flags={"feature-gates": "ListFromCacheSnapshot=false"}) as running:
        assert running.folder
        Processes(running.folder / "processes").stop("kube-controller-manager")
        yield running

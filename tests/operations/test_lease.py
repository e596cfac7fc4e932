"""The Lease against a real API server: one run at a time, and a dead run is no run."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from components.names import NAMESPACE
from components.operations import lease
from components.operations.api import Cluster
from components.operations.deadline import OperationError
from tests.operations.conftest import eventually

pytestmark = pytest.mark.apiserver


@pytest.fixture
def ours(cluster: Cluster) -> Iterator[Cluster]:
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    if cluster.find(f"/api/v1/namespaces/{NAMESPACE}") is None:
        cluster.create("/api/v1/namespaces", body)
    cluster.delete(lease.PATH)
    yield cluster
    cluster.delete(lease.PATH)


def hold_as(cluster: Cluster, holder: str, *, seconds_ago: float = 0) -> None:
    when = (datetime.now(UTC) - timedelta(seconds=seconds_ago)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    spec = {"holderIdentity": holder, "renewTime": when, "leaseDurationSeconds": lease.SECONDS}
    if lease.read(cluster) is None:
        lease.hold(cluster)
    cluster.patch(lease.PATH, {"spec": spec})


def test_it_is_ours_and_asking_again_changes_nothing(ours: Cluster) -> None:
    lease.hold(ours)
    lease.hold(ours)
    found = lease.read(ours)
    assert found
    assert found.holder == lease.holder_of_this_run()
    assert found.age < 5


def test_another_live_run_is_refused_by_name(ours: Cluster) -> None:
    hold_as(ours, "alice@elsewhere/4711")
    with pytest.raises(OperationError, match="another run works on this cluster: alice@elsewhere/4711"):
        lease.hold(ours)


@pytest.mark.parametrize(
    ("holder", "seconds_ago", "free"),
    [
        ("alice@elsewhere/4711", 0, False),
        ("alice@elsewhere/4711", lease.SECONDS + 1, True),
        ("", 0, True),
        (f"alice@{os.uname().nodename}/{os.getpid()}", 0, False),
        (f"alice@{os.uname().nodename}/not-a-number", 0, False),
    ],
    ids=["elsewhere", "elsewhere, not renewed", "given up", "here, alive", "here, not a process"],
)
def test_when_it_is_free(ours: Cluster, holder: str, seconds_ago: float, free: bool) -> None:
    hold_as(ours, holder, seconds_ago=seconds_ago)
    found = lease.read(ours)
    assert found
    assert found.free is free


@pytest.mark.parametrize("waited_for", [True, False])
def test_a_run_of_this_machine_that_died_loses_it_at_once(ours: Cluster, waited_for: bool) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    if waited_for:
        dead.wait()
    else:
        stat = Path(f"/proc/{dead.pid}/stat")  # where nobody waits for it, it stays in the process table
        eventually(lambda: stat.read_text().rpartition(")")[2].split()[0] == "Z")
    hold_as(ours, f"alice@{os.uname().nodename}/{dead.pid}")
    lease.hold(ours)
    found = lease.read(ours)
    assert found
    assert found.holder == lease.holder_of_this_run()

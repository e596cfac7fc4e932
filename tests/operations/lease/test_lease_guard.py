"""No request that changes something leaves the API client unless the hold allows it; and the hold on a real server."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler

import pytest

from components.names import NAMESPACE
from components.operations import lease
from components.operations.cluster_api.api import Cluster
from components.operations.deadline import HoldLostError, OperationError
from components.operations.events import tell
from components.operations.lease import Hold, hold_on
from components.operations.turn.recipe import Half
from components.operations.turn.running_steps import steps
from components.providers.shared.config_and_cluster import Work
from tests.operations.answering import client_of
from tests.turns.running_a_turn import make_turn

NODE = "/api/v1/nodes/worker-1"


class Counting(BaseHTTPRequestHandler):
    """An API server that is in trouble for whoever changes something, and counts what arrives."""

    arrived: list[str] = []  # noqa: RUF012 (of the test, which empties it)

    def log_message(self, *_: object) -> None:
        return

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.arrived.append(self.command)
        self.send_response(200 if self.command == "GET" else 503)
        self.end_headers()
        self.wfile.write(b"{}")

    do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = _answer  # noqa: N815


@pytest.fixture
def counted() -> Iterator[Cluster]:
    Counting.arrived.clear()
    with client_of(Counting) as cluster:
        yield cluster


CHANGES: list[Callable[[Cluster], object]] = [
    lambda cluster: cluster.create("/api/v1/namespaces/a/pods", {}),
    lambda cluster: cluster.create("/api/v1/namespaces/a/pods/b/eviction", {}),
    lambda cluster: cluster.patch(NODE, {}),
    lambda cluster: cluster.patch(NODE, {}, strategic=True),
    lambda cluster: cluster.delete("/api/v1/namespaces/a/pods/b"),
    lambda cluster: cluster.mention("/api/v1/namespaces/default/events", {}),
]


@pytest.mark.parametrize("change", CHANGES)
def test_what_the_hold_does_not_allow_is_not_sent(counted: Cluster, change: Callable[[Cluster], object]) -> None:
    def refuse(_path: str) -> None:
        raise HoldLostError("lost")

    counted.guard = refuse
    counted.get(NODE)
    with pytest.raises(HoldLostError):
        change(counted)
    assert Counting.arrived == ["GET"]


def test_a_change_that_is_sent_again_asks_again(counted: Cluster) -> None:
    asked: list[str] = []

    def twice(path: str) -> None:
        asked.append(path)
        if len(asked) > 2:
            raise HoldLostError("lost meanwhile")

    counted.guard = twice
    with pytest.raises(HoldLostError, match="lost meanwhile"):
        counted.patch(NODE, {})
    assert (asked, Counting.arrived) == ([NODE] * 3, ["PATCH"] * 2)


def test_a_step_that_lost_the_hold_says_node_and_step(counted: Cluster) -> None:
    def refuse(_path: str) -> None:
        raise HoldLostError("Lease a/b: bob took it")

    counted.guard = refuse

    def half_turn() -> None:
        with steps(counted, make_turn(), half=Half.BEFORE) as progress:
            progress.step("cordon")
            counted.patch(NODE, {})

    with pytest.raises(OperationError, match="node worker-1: step 'cordon' broke off: Lease a/b: bob took it"):
        half_turn()
    tell(counted, "worker-1", reason="MigrationFailed", message="nobody reads it")
    assert Counting.arrived == []


def test_whatever_a_provider_does_needs_the_hold(counted: Cluster) -> None:
    class Settings:
        def get(self, key: str) -> str | None:
            cluster = {"name": "it", "cluster": {"server": counted.server}}
            context = {"name": "it", "context": {"cluster": "it", "user": "it"}}
            user = {"name": "it", "user": {}}
            whole = {"clusters": [cluster], "contexts": [context], "users": [user], "current-context": "it"}
            return json.dumps(whole) if key == "kubernetes:kubeconfig" else None

    cluster = Work(Settings()).cluster  # type: ignore[arg-type]
    assert cluster.guard == hold_on(cluster).allow


@pytest.fixture
def ours(cluster: Cluster) -> Iterator[Cluster]:
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    if cluster.find(f"/api/v1/namespaces/{NAMESPACE}") is None:
        cluster.create("/api/v1/namespaces", body)
    cluster.delete(lease.PATH)
    yield cluster
    cluster.delete(lease.PATH)


@pytest.mark.apiserver
def test_on_a_real_server_two_runs_meet_take_turns_and_lose(ours: Cluster) -> None:
    def run(name: str) -> Hold:
        return Hold(ours, run=name, begin=lambda _: None)

    alice, bob = run("alice@laptop/1.aa"), run("bob@bastion/2.bb")
    alice.take()
    alice.allow(NODE)
    renewed = threading.Event()

    def renew() -> None:
        renewed.set()
        alice.renew()

    renewing = threading.Timer(1.5, renew)
    renewing.start()
    with pytest.raises(OperationError, match="another run works on this cluster: alice@laptop/1"):
        bob.take()
    assert renewed.is_set(), "the lease alone, however fresh, does not tell that alice is alive"
    renewing.join()
    alice.give_back()
    assert lease.other_run(ours) == ""
    carol = run("carol@vm/3.cc")
    carol.take()
    ours.patch(lease.PATH, {"spec": {"holderIdentity": "bob@bastion/2.bb", "leaseTransitions": 9}})
    carol.renew()
    with pytest.raises(HoldLostError, match=r"bob@bastion/2\.bb took the cluster over"):
        carol.allow(NODE)
    found = lease.read(ours)
    assert found
    assert (found.holder, found.transitions, found.seconds) == ("bob@bastion/2.bb", 9, lease.LEASE_SECONDS)

"""When the lease may be taken, on an API in memory; that it is kept is for the tests on a real API server."""

import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from components.operations import lease
from components.operations.deadline import OperationError
from tests.turns.api import Client, Object, Objects

OTHER = "alice@elsewhere/4711"


def _spec(holder: str, *, seconds_ago: float = 0) -> Object:
    when = (datetime.now(UTC) - timedelta(seconds=seconds_ago)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return {"holderIdentity": holder, "renewTime": when, "leaseDurationSeconds": lease.SECONDS}


@pytest.fixture
def objects(monkeypatch: pytest.MonkeyPatch) -> Objects:
    monkeypatch.setattr(lease, "_keeper", threading.current_thread())  # nothing is to be renewed meanwhile
    return Objects()


def _held(objects: Objects, holder: str, *, seconds_ago: float = 0) -> Client:
    folder, _, name = lease.PATH.rpartition("/")
    objects.add(folder, {"metadata": {"name": name}, "spec": _spec(holder, seconds_ago=seconds_ago)})
    return Client(objects)


def _holder(objects: Objects) -> str:
    return str(objects.by_path[lease.PATH]["spec"]["holderIdentity"])


def test_another_live_run_is_refused_by_name(objects: Objects) -> None:
    cluster = _held(objects, OTHER)
    with pytest.raises(OperationError, match=f"another run works on this cluster: {OTHER}"):
        lease.hold(cluster)
    assert (_holder(objects), cluster.requests) == (OTHER, [])


@pytest.mark.parametrize(("holder", "seconds_ago"), [("", 0), (OTHER, lease.SECONDS + 1)], ids=["given up", "run out"])
def test_what_nobody_has_any_more_is_taken(objects: Objects, holder: str, seconds_ago: float) -> None:
    lease.hold(_held(objects, holder, seconds_ago=seconds_ago))
    assert _holder(objects) == lease.holder_of_this_run()


def test_the_first_one_makes_it_and_may_ask_again(objects: Objects) -> None:
    for _ in range(2):
        lease.hold(Client(objects))
        assert _holder(objects) == lease.holder_of_this_run()


class _TooLate(Client):
    """Another run takes the lease between this one's look and its patch."""

    def _answer(self, method: str, path: str, query: Mapping[str, Any], body: Object) -> Object | bytes:
        if method == "PATCH" and _holder(self._objects) != OTHER:
            self._objects.change(lease.PATH, {"spec": _spec(OTHER)})
        return super()._answer(method, path, query, body)


def test_of_two_that_take_a_free_one_at_once_one_has_it(objects: Objects) -> None:
    _held(objects, "")
    with pytest.raises(OperationError, match=f"another run works on this cluster: {OTHER}"):
        lease.hold(_TooLate(objects))
    assert _holder(objects) == OTHER

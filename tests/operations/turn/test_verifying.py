"""A verification beside the renewal of a node's pods: when it begins, what it waits for, and where its news go."""

import threading

import pytest

from components.operations.cluster_api.errors import ClusterError
from components.operations.deadline import HoldLostError, OperationError, StoppedError
from components.operations.progress import Progress
from components.operations.turn.verifying import Verification
from components.operations.turn_steps.reach_from_pod import Teller
from components.operations.turn_steps.verification import Awaited, Verified

WELL = Verified(address="10.245.0.7", flows={"fresh pod → DNS": 0.1})


def test_it_goes_on_beside_the_pods_and_needs_them_only_at_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    half_way = threading.Event()

    def verify(news: Teller, awaited: Awaited) -> Verified:
        news.say("a fresh pod has 10.245.0.7")
        half_way.set()
        awaited.pods()
        return WELL

    progress = Progress("worker-1", 7)
    with Verification(verify, progress) as verification:
        verification.begin()
        progress.step("recycle")
        assert half_way.wait(10)
        assert "a fresh pod has" not in capsys.readouterr().err, "it belongs to the step that comes"
        progress.step("verify")
        assert verification.end() == WELL
    told = capsys.readouterr().err
    assert "verify: begins" in told
    assert "verify: a fresh pod has 10.245.0.7" in told


def test_what_breaks_is_raised_at_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    def verify(news: Teller, awaited: Awaited) -> Verified:
        raise OperationError("node worker-1 stays cordoned: 2 of 9 flows are broken")

    with Verification(verify, Progress("worker-1", 7)) as verification:
        verification.begin()
        with pytest.raises(OperationError, match="2 of 9 flows"):
            verification.end()


def test_pods_that_do_not_come_back_end_it_and_are_what_is_told() -> None:
    ended: list[str] = []

    def verify(news: Teller, awaited: Awaited) -> Verified:
        try:
            awaited.pods()
        except OperationError as error:
            ended.append(str(error))
            raise
        return WELL

    def turn() -> None:
        with Verification(verify, Progress("worker-1", 7)) as verification:
            verification.begin()
            raise OperationError("node worker-1: its pods Ready: not within 600 s")

    with pytest.raises(OperationError, match="not within 600 s"):
        turn()
    assert ended == ["the node's own pods did not come back"]


def test_it_begins_before_the_network_is_there_and_goes_on_with_it() -> None:
    begun, waited = threading.Event(), list[bool]()

    def verify(news: Teller, awaited: Awaited) -> Verified:
        begun.set()
        waited.append(awaited.network())
        return WELL

    with Verification(verify, Progress("worker-1", 7)) as verification:
        verification.begin()
        assert begun.wait(10)
        assert not waited
        verification.switched()
        assert verification.end() is WELL
    assert waited == [True]


def test_a_network_that_is_there_is_not_waited_for() -> None:
    with Verification(lambda news, awaited: _seen(awaited), Progress("worker-1", 7)) as verification:
        verification.switched()
        assert verification.end().flows == {"waited": 0.0}


def _seen(awaited: Awaited) -> Verified:
    return Verified(address="10.245.0.7", flows={"waited": float(awaited.network())})


def test_a_network_that_does_not_come_up_ends_it_and_is_what_is_told() -> None:
    ended: list[str] = []

    def verify(news: Teller, awaited: Awaited) -> Verified:
        try:
            awaited.network()
        except OperationError as error:
            ended.append(str(error))
            raise
        return WELL

    def turn() -> None:
        with Verification(verify, Progress("worker-1", 7)) as verification:
            verification.begin()
            raise OperationError("node worker-1: Cilium agent Ready: not within 600 s")

    with pytest.raises(OperationError, match="agent Ready: not within 600 s"):
        turn()
    assert ended == ["the node's network did not come up"]


def test_one_that_nobody_began_begins_at_its_end() -> None:
    with Verification(lambda news, awaited: WELL, Progress("worker-1", 7)) as verification:
        assert verification.end() is WELL


@pytest.mark.parametrize(
    "broken",
    [
        OperationError("node worker-1: no route to its pod CIDR 10.1.0.0/24 through cilium_host"),
        ClusterError("GET ciliumnodes/worker-1: the API server answered 403"),
        OperationError("node worker-1 stays cordoned: 2 of 9 flows are broken"),
    ],
)
def test_a_step_that_fails_beside_a_broken_network_is_not_what_is_told(broken: Exception) -> None:
    """Pods without a route don't become Ready: the route is the reason, and `verify` the step that found it."""
    progress = Progress("worker-1", 7)

    def verify(news: Teller, awaited: Awaited) -> Verified:
        raise broken

    def turn() -> None:
        with Verification(verify, progress) as verification:
            verification.begin()
            progress.step("recycle")
            raise OperationError("node worker-1: its pods Ready: not within 600 s")

    with pytest.raises(OperationError) as caught:
        turn()
    assert (
        str(caught.value) == f"{broken} (and so step 'recycle' failed: node worker-1: its pods Ready: not within 600 s)"
    )
    assert progress.current == "verify"


@pytest.mark.parametrize(
    "error", [StoppedError("stopped as asked"), HoldLostError("lost"), ValueError("a fault of ours")]
)
def test_what_no_network_can_be_the_reason_of_is_told_as_it_is(error: Exception) -> None:
    def verify(news: Teller, awaited: Awaited) -> Verified:
        raise OperationError("2 of 9 flows are broken")

    def turn() -> None:
        with Verification(verify, Progress("worker-1", 7)) as verification:
            verification.begin()
            raise error

    with pytest.raises(type(error), match=str(error)):
        turn()

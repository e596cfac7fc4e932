"""A verification beside the renewal of a node's pods: when it begins, what it waits for, and where its news go."""

import threading
from collections.abc import Callable

import pytest

from components.operations.asking import Teller
from components.operations.deadline import OperationError
from components.operations.progress import Progress
from components.operations.turn.verifying import Verification
from components.operations.verification import Verified

WELL = Verified(address="10.245.0.7", flows={"fresh pod → DNS": 0.1})


def test_it_goes_on_beside_the_pods_and_needs_them_only_at_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    half_way = threading.Event()

    def verify(news: Teller, settled: Callable[[], None]) -> Verified:
        news.say("a fresh pod has 10.245.0.7")
        half_way.set()
        settled()
        return WELL

    progress = Progress("worker-1", 7)
    with Verification(verify) as verification:
        verification.begin()
        progress.step("recycle")
        assert half_way.wait(10)
        assert "a fresh pod has" not in capsys.readouterr().err, "it belongs to the step that comes"
        assert verification.end(progress) == WELL
    told = capsys.readouterr().err
    assert "verify: begins" in told
    assert "verify: a fresh pod has 10.245.0.7" in told


def test_what_breaks_is_raised_at_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    def verify(news: Teller, settled: Callable[[], None]) -> Verified:
        raise OperationError("node worker-1 stays cordoned: 2 of 9 flows are broken")

    with Verification(verify) as verification:
        verification.begin()
        with pytest.raises(OperationError, match="2 of 9 flows"):
            verification.end(Progress("worker-1", 7))


def test_pods_that_do_not_come_back_end_it_and_are_what_is_told() -> None:
    ended: list[str] = []

    def verify(news: Teller, settled: Callable[[], None]) -> Verified:
        try:
            settled()
        except OperationError as error:
            ended.append(str(error))
            raise
        return WELL

    def turn() -> None:
        with Verification(verify) as verification:
            verification.begin()
            raise OperationError("node worker-1: its pods Ready: not within 600 s")

    with pytest.raises(OperationError, match="not within 600 s"):
        turn()
    assert ended == ["the node's own pods did not come back"]


def test_one_that_nobody_began_begins_at_its_end() -> None:
    with Verification(lambda news, settled: WELL) as verification:
        assert verification.end(Progress("worker-1", 7)) is WELL

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError
from components.operations.deadline import Deadline, OperationError, stopping
from components.operations.draining.evictions import Answer, EvictionQueue, judge, names, request_eviction
from components.operations.objects.model import Pod
from components.operations.progress import Progress
from stacks.sections.node import DrainSettings
from tests.builders import make_pod
from tests.operations.answering import client_of

BUDGET = "The disruption budget web-pdb needs 3 healthy pods and has 2 currently"
LONG_AGO, LATER = "2026-01-01T00:00:00Z", "2999-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("error", "refused", "again", "why"),
    [
        (ClusterError("no", status=404), False, False, ""),
        (ClusterError("no", status=409), False, False, "conflict"),
        (
            ClusterError("no", status=429, causes=(BUDGET,), cause_kinds=("DisruptionBudget",)),
            False,
            True,
            "budget default/web-pdb needs 3 available, has 2",
        ),
        (
            ClusterError("no", status=429, causes=("it failed sync: x",), cause_kinds=("DisruptionBudget",)),
            False,
            True,
            "it failed sync: x",
        ),
        (ClusterError("Too many requests", status=429), False, True, "overloaded"),
        (
            ClusterError('admission webhook "vm.example" denied the request: Eviction triggered its move', status=429),
            False,
            True,
            "webhook vm.example has it wait: Eviction triggered its move",
        ),
        (
            ClusterError(
                'admission webhook "db.example" denied the request: shard 3 rebalances\n40 % done', status=429
            ),
            False,
            True,
            "db.example has it wait: shard 3 rebalances\n40 % done",
        ),
        (
            ClusterError('admission webhook "q" denied the request: too many requests of yours', status=429),
            False,
            True,
            "webhook q has it wait: too many requests of yours",
        ),
        (ClusterError("an aggregated API is busy", status=429), False, True, "(429): an aggregated API is busy"),
        (
            ClusterError("no", status=403, causes=("ns goes",), cause_kinds=("NamespaceTerminating",)),
            False,
            False,
            "namespace default is being deleted",
        ),
        (ClusterError("pods is forbidden", status=403), True, False, "pods is forbidden"),
        (ClusterError("more than one PodDisruptionBudget", status=500), True, False, "leave it one budget"),
        (ClusterError("etcdserver: request timed out", status=500), False, True, "in trouble"),
        (ClusterError("bad gateway", status=502), False, True, "in trouble"),
        (ClusterError("refused"), False, True, "does not answer"),
        (ClusterError("a webhook says no", status=400), True, False, "a webhook says no"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_error_means(error: ClusterError, refused: bool, again: bool, why: str) -> None:
    answer = judge(make_pod("web"), error)
    assert (answer.refused, answer.again_seconds > 0) == (refused, again)
    assert why in answer.why


def test_the_pause_that_the_server_asks_for_is_kept() -> None:
    assert judge(make_pod("web"), ClusterError("no", status=429, retry_after=7)).again_seconds == 7


@pytest.fixture
def overloaded() -> Iterator[Cluster]:
    """A client of a server that answers everything as an API server without a free seat does."""

    class Answers(BaseHTTPRequestHandler):
        def _defer(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            body = b"Too many requests, please try again later.\n"
            self.send_response(429)
            self.send_header("retry-after", "3")
            self.send_header("content-type", "text/plain; charset=utf-8")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_DELETE = _defer  # noqa: N815

    with client_of(Answers) as client:
        yield client


@pytest.mark.parametrize("disable_eviction", [False, True])
def test_an_overloaded_api_server_is_no_budget(overloaded: Cluster, disable_eviction: bool) -> None:
    answer = request_eviction(overloaded, make_pod("web"), options=DrainSettings(disable_eviction=disable_eviction))
    assert answer == Answer(
        why="the API server is overloaded and defers requests (429, no budget)", again_seconds=3, refused=False
    )


def test_names_are_few_and_the_rest_is_counted() -> None:
    assert names([make_pod(f"web-{number}") for number in range(7)]).endswith("default/web-4 and 2 more")


@dataclass
class FakeNode:
    """A node whose pods go as soon as their eviction is taken up; `answer` may say otherwise."""

    pods: dict[str, Pod]
    answer: Callable[[Pod, int], Answer] = lambda pod, tries: Answer()
    after: dict[str, Pod | None] = field(default_factory=dict)
    tries: Counter[str] = field(default_factory=Counter)
    order: list[str] = field(default_factory=list)
    looks: int = 0
    look_error: Callable[[int], ClusterError | None] = lambda number: None
    lock: Any = field(default_factory=threading.Lock)

    def request(self, cluster: Cluster | None, pod: Pod, *, options: DrainSettings) -> Answer:
        with self.lock:
            self.tries[pod.name] += 1
            self.order.append(pod.name)
            answer = self.answer(pod, self.tries[pod.name])
            if not answer.refused and not answer.again_seconds:
                then = self.after.get(pod.name)
                if then:
                    self.pods[pod.uid] = then
                else:
                    self.pods.pop(pod.uid, None)
        return answer

    def look(self) -> list[Pod]:
        with self.lock:
            self.looks += 1
            error = self.look_error(self.looks)
            if error:
                raise error
            return list(self.pods.values())


def make_fake(count: int, **fields: Any) -> FakeNode:
    return FakeNode(pods={f"uid-web-{number}": make_pod(f"web-{number}") for number in range(count)}, **fields)


def run(fake: FakeNode, *, seconds: float = 10, **options: Any) -> list[str]:
    queue = EvictionQueue(
        cluster=None,  # type: ignore[arg-type]
        pods=list(fake.pods.values()),
        options=DrainSettings.model_construct(**options),
        deadline=Deadline(seconds),
        progress=Progress("worker-1", 7),
        look=fake.look,
        request=fake.request,
    )
    return queue.run()


def blocked(seconds: float) -> Answer:
    return Answer(why="budget default/web-pdb needs 3 available, has 3", again_seconds=seconds)


def test_all_go_with_one_look_for_many() -> None:
    fake = make_fake(100)
    assert run(fake) == []
    assert set(fake.tries.values()) == {1}
    assert fake.looks < 10


def test_fifty_blocked_pods_hold_up_nobody() -> None:
    free = {f"web-{number}" for number in range(50, 100)}
    fake = make_fake(100, answer=lambda pod, tries: Answer() if pod.name in free or tries > 1 else blocked(0.5))
    assert run(fake) == []
    first_again = next(index for index, name in enumerate(fake.order) if name in fake.order[:index])
    assert free <= set(fake.order[:first_again])


def test_what_is_left_at_the_deadline_is_named_with_its_reason() -> None:
    fake = make_fake(
        5,
        answer=lambda pod, tries: {
            "web-0": blocked(0.1),
            "web-1": Answer(why="forbidden", refused=True),
        }.get(pod.name, Answer()),
        after={
            "web-2": make_pod("web-2", terminating_since=LONG_AGO, finalizers=("example.com/hold",)),
            "web-3": make_pod("web-3", terminating_since=LATER),
        },
    )
    assert run(fake, seconds=0.6) == [
        "pod default/web-1: forbidden",
        "pod default/web-0: not evicted within 1 s: budget default/web-pdb needs 3 available, has 3",
        "pod default/web-2: evicted, but still terminating after 1 s, held by finalizers example.com/hold",
        f"pod default/web-3: evicted, but still terminating after 1 s, its grace period ends {LATER}",
    ]


def test_a_pod_that_terminates_for_longer_than_the_skip_is_not_waited_for() -> None:
    fake = make_fake(1, after={"web-0": make_pod("web-0", terminating_since=LONG_AGO)})
    assert run(fake, skip_wait_for_delete_seconds=5) == []


def test_an_eviction_without_effect_is_asked_for_again() -> None:
    """As after a conflict, or in a namespace whose deletion has not reached the pod."""
    fake = make_fake(1, answer=lambda pod, tries: Answer(why="conflict"))
    fake.after = {"web-0": make_pod("web-0")}
    assert run(fake, seconds=0.5) == ["pod default/web-0: not evicted within 0 s: conflict"]


def test_an_api_server_that_is_away_is_waited_for_and_that_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    fake = make_fake(3, look_error=lambda number: ClusterError("refused") if number < 2 else None)
    assert run(fake) == []
    said = capsys.readouterr().err
    assert "the API server does not answer; waiting for it, 10 s left" in said
    assert "the API server answers again" in said


def test_a_look_that_is_forbidden_ends_the_drain() -> None:
    fake = make_fake(3, look_error=lambda number: ClusterError("pods is forbidden", status=403))
    with pytest.raises(ClusterError, match="pods is forbidden"):
        run(fake)


def test_a_reason_is_said_once_for_all_pods_that_have_it(capsys: pytest.CaptureFixture[str]) -> None:
    fake = make_fake(7, answer=lambda pod, tries: blocked(0.2) if tries < 4 else Answer())
    assert run(fake) == []
    lines = [line for line in capsys.readouterr().err.splitlines() if "waiting (" in line]
    assert 1 <= len(lines) <= 3
    assert sum(int(line.split(": ")[1].split()[0]) for line in lines) == 7
    assert "budget default/web-pdb needs 3 available, has 3" in lines[0]


@pytest.fixture
def stop() -> Iterator[threading.Event]:
    yield stopping
    stopping.clear()


def test_a_stop_is_heeded_though_the_api_server_hangs(stop: threading.Event) -> None:
    released, answered, first = threading.Event(), list[str](), threading.Lock()

    def hang(pod: Pod, tries: int) -> Answer:
        if first.acquire(blocking=False):  # a request that is late would stop the tests that come after
            stop.set()
        released.wait(20)
        answered.append(pod.name)
        return Answer()

    try:
        with pytest.raises(OperationError, match="stopped"):
            run(make_fake(3, answer=hang), seconds=60)
        assert answered == []
    finally:
        released.set()

"""The real server and client over loopback, with every fault at once in one run that all tests here read."""

import asyncio
import signal
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scripts.lab.workloads.pod.client import Target
from scripts.lab.workloads.pod.records import EventKind, FlowKind
from scripts.lab.workloads.recording import Happening, Recording, read
from scripts.lab.workloads.report import KindTotals, Report
from tests.lab.workloads.faults import Forwarder, Programs, free_port, name_server

FAULTS = ("clean", "held-300", "held-1000", "held-6000", "reset", "refused", "delayed")
TOLERANCE_MS = 60.0


@dataclass(kw_only=True)
class Run:
    """Events of a test, and the records of them."""

    folder: Path
    held_ms: dict[str, float] = field(default_factory=dict)

    def recording(self, client: str) -> Recording:
        return read(self.folder / client)

    def report(self, client: str) -> Report:
        return Report(self.recording(client))

    def events(self, target: str, kind: FlowKind, *wanted: EventKind) -> list[Happening]:
        return [
            one
            for one in self.recording("faults").happenings
            if one.event.flow
            and (one.event.flow.target, one.event.flow.kind) == (target, kind)
            and one.event.kind in wanted
        ]

    def noise_ms(self, client: str = "faults") -> float:
        """The delay that this machine caused: the latency of a flow without faults, and all pauses of the client."""
        pauses = [one.event.milliseconds for one in self.recording(client).happenings if one.event.kind == "paused"]
        clean = [self.longest_gap("clean", "service-http") - 100, self.longest_gap("clean", "echo-service") - 50]
        return max(clean) + sum(pauses)

    def longest_gap(self, target: str, kind: FlowKind) -> float:
        return max(
            one.gap_ms for one in self.recording("faults").increments if (one.flow.target, one.kind) == (target, kind)
        )


def _targets(name: str, host: str, *, http_port: int, echo_port: int) -> list[Target]:
    return [
        Target(kind="service-http", name=name, host=host, port=http_port, interval_ms=100),
        Target(kind="echo-service", name=name, host=host, port=echo_port, interval_ms=50),
    ]


async def _inject(run: Run, programs: Programs) -> None:
    """One server behind a pair of forwarders a fault, and all faults at the same time."""
    http_port, echo_port = free_port("127.0.0.1"), free_port("127.0.0.1")
    await programs.server("web-0", address="127.0.0.1", http_port=http_port, echo_port=echo_port)
    pairs: dict[str, list[Forwarder]] = {}
    targets: list[Target] = []
    for number, name in enumerate(FAULTS):
        host = f"127.0.1.{number + 1}"
        pairs[name] = [Forwarder(address=host, upstream="127.0.0.1", port=port) for port in (http_port, echo_port)]
        targets += _targets(name, host, http_port=http_port, echo_port=echo_port)
        for forwarder in pairs[name]:
            await forwarder.start()
    client = await programs.client("faults", targets, records=run.folder / "faults")

    async def hold(name: str, seconds: float) -> None:
        held = await asyncio.gather(*(forwarder.hold(seconds) for forwarder in pairs[name]))
        run.held_ms[name] = max(held) * 1000

    await asyncio.sleep(1)
    for forwarder in pairs["reset"]:
        forwarder.reset()
    await asyncio.gather(
        hold("held-300", 0.3),
        hold("held-1000", 1.0),
        hold("held-6000", 6.0),
        *(forwarder.refuse(1.0) for forwarder in pairs["refused"]),
        pairs["delayed"][0].delay(1.2, during=0.5),
    )
    await asyncio.sleep(2)
    await programs.stop(client)


async def _replace_pods(run: Run, programs: Programs) -> None:
    """Three pods by a headless name: one is replaced, one dies and vanishes, one dies and keeps its name."""
    http_port, echo_port = free_port("127.0.2.1"), free_port("127.0.2.1")

    async def server(pod: str, address: str) -> asyncio.subprocess.Process:
        return await programs.server(pod, address=address, http_port=http_port, echo_port=echo_port)

    async with name_server() as (names, listens):
        replaced, vanished, crashed = await asyncio.gather(
            server("replaced-0", "127.0.2.1"), server("vanished-0", "127.0.2.2"), server("crashed-0", "127.0.2.3")
        )
        names.names = {"replaced": ("127.0.2.1",), "vanished": ("127.0.2.2",), "crashed": ("127.0.2.3",)}
        targets = [
            target
            for name in names.names
            for target in (
                Target(kind="pod-http", name=name, host=name, port=http_port, interval_ms=100),
                Target(kind="echo-pod", name=name, host=name, port=echo_port, interval_ms=50),
            )
        ]
        client = await programs.client("pods", targets, records=run.folder / "pods", name_server=listens)
        await asyncio.sleep(2)
        replaced.terminate()
        vanished.kill()
        crashed.kill()
        await asyncio.gather(server("replaced-1", "127.0.2.4"), server("vanished-1", "127.0.2.5"))
        names.names |= {"replaced": ("127.0.2.4",), "vanished": ("127.0.2.5",)}
        await asyncio.sleep(4)
        await programs.stop(client)


async def _pause_and_kill(run: Run, programs: Programs) -> None:
    """A client that is stopped for a second, then killed, then started again with the same file."""
    http_port, echo_port = free_port("127.0.3.1"), free_port("127.0.3.1")
    await programs.server("web-0", address="127.0.3.1", http_port=http_port, echo_port=echo_port)
    targets = _targets("web", "127.0.3.1", http_port=http_port, echo_port=echo_port)
    client = await programs.client("paused", targets, records=run.folder / "paused")
    await asyncio.sleep(1)
    client.send_signal(signal.SIGSTOP)
    await asyncio.sleep(1)
    client.send_signal(signal.SIGCONT)
    await asyncio.sleep(1)
    client.kill()
    await client.wait()
    again = await programs.client("paused", targets, records=run.folder / "paused")
    await asyncio.sleep(1.5)
    await programs.stop(again)


async def _everything(run: Run) -> None:
    async with Programs() as programs:
        await asyncio.gather(_inject(run, programs), _replace_pods(run, programs), _pause_and_kill(run, programs))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = Run(folder=tmp_path_factory.mktemp("traffic"))
    asyncio.run(_everything(run))
    return run


def _only(run: Run, client: str, kind: FlowKind) -> KindTotals:
    return run.report(client).totals().of(kind)


def test_a_clean_flow_raises_no_alarm(run: Run) -> None:
    for kind in ("service-http", "echo-service"):
        assert run.events("clean", kind, "failure", "broken", "closed", "slow") == []
        counted = [one for one in run.recording("faults").increments if (one.flow.target, one.kind) == ("clean", kind)]
        assert sum(one.sent for one in counted) > 50
        assert 0 <= sum(one.sent for one in counted) - sum(one.succeeded for one in counted) <= 1
        assert max(one.gap_ms for one in counted) < 5000  # what a budget allows


@pytest.mark.parametrize("name", ["held-300", "held-1000", "held-6000"])
@pytest.mark.parametrize(("kind", "interval"), [("service-http", 100), ("echo-service", 50)])
def test_a_gap_is_as_long_as_the_silence(run: Run, name: str, kind: FlowKind, interval: float) -> None:
    # The last success was up to one interval before the silence: half of it on average.
    middle = run.held_ms[name] + interval / 2
    if (name, kind) == ("held-6000", "echo-service"):
        middle += interval  # the connection was given up meanwhile, so the next one has to be made first
    assert run.longest_gap(name, kind) == pytest.approx(middle, abs=TOLERANCE_MS + interval / 2 + run.noise_ms())


def test_a_short_silence_loses_nothing(run: Run) -> None:
    for name in ("held-300", "held-1000"):
        assert run.events(name, "service-http", "failure") == []
        assert run.events(name, "echo-service", "failure", "broken", "closed") == []
    assert 1 <= len(run.events("held-1000", "service-http", "slow")) <= 3 + run.noise_ms() / 50
    if run.noise_ms() < 100:
        assert run.events("held-300", "service-http", "slow", "gap") == []


def test_a_long_silence_fails_what_waited_for_3_seconds(run: Run) -> None:
    failures = run.events("held-6000", "service-http", "failure")
    assert {one.event.reason for one in failures} == {"no answer in 3 s"}
    assert len(failures) == pytest.approx(30, abs=4 + run.noise_ms() / 20)
    [broken] = run.events("held-6000", "echo-service", "broken")
    assert broken.event.reason == "no echo for 5 s"


def test_a_reset_breaks_the_long_connection_once(run: Run) -> None:
    [broken] = run.events("reset", "echo-service", "broken")
    assert broken.event.reason == "reset"
    assert run.events("reset", "echo-service", "failure", "closed") == []
    assert len(run.events("reset", "service-http", "failure")) <= 1  # one at most was under way


def test_refusals_are_counted_one_by_one(run: Run) -> None:
    failures = run.events("refused", "service-http", "failure")
    assert {one.event.reason for one in failures} <= {"refused", "reset"}
    assert len(failures) == pytest.approx(10, abs=3 + run.noise_ms() / 50)
    assert len(run.events("refused", "echo-service", "broken")) == 1
    assert run.events("refused", "echo-service", "failure")


def test_late_answers_are_slow_and_not_failures(run: Run) -> None:
    assert len(run.events("delayed", "service-http", "slow")) == pytest.approx(5, abs=2 + run.noise_ms() / 100)
    assert run.events("delayed", "service-http", "failure") == []


def test_a_flow_to_a_service_has_no_excuse(run: Run) -> None:
    totals = run.report("faults").totals()
    assert totals.of("service-http").lost == totals.of("service-http").failed > 0
    assert totals.lost == sum(totals.causes.values())
    assert totals.first_loss
    assert any("held-6000 (service-http): no answer in 3 s, " in line for line in run.report("faults").explain())


def test_a_replaced_pod_loses_nothing_and_its_successor_is_met(run: Run) -> None:
    lines = [line for line in run.report("pods").explain() if "replaced on" in line]
    assert lines
    assert all(line.endswith(("; planned", "; the pod was being terminated")) for line in lines)
    assert any("connection closed, said goodbye; planned" in line for line in lines)
    met = {one.flow.peer for one in run.recording("pods").increments if one.flow.target == "replaced"}
    assert {"replaced-0", "replaced-1"} <= met


def test_a_dead_pod_is_excused_only_when_its_name_goes_too(run: Run) -> None:
    lines = run.report("pods").explain()
    vanished = [line for line in lines if "vanished on" in line]
    crashed = [line for line in lines if "crashed on" in line]
    assert vanished
    assert all(line.endswith("the pod was being terminated") for line in vanished)
    assert any("connection broken" in line for line in vanished)
    assert crashed
    assert all(line.endswith("unexplained") for line in crashed)
    assert _only(run, "pods", "echo-pod").broken - _only(run, "pods", "echo-pod").broken_explained == 1


@pytest.mark.parametrize("client", ["faults", "pods"])
def test_every_failure_is_an_event_too(run: Run, client: str) -> None:
    recording = run.recording(client)
    events = sum(one.event.kind == "failure" for one in recording.happenings)
    assert sum(one.failed for one in recording.increments) == events > 0


def test_every_lookup_is_counted(run: Run) -> None:
    lookups = _only(run, "pods", "dns")
    assert lookups.succeeded == lookups.sent >= 3 * 4
    assert lookups.lost == 0


def test_a_paused_client_blames_itself(run: Run) -> None:
    totals = run.report("paused").totals()
    assert totals.pauses >= 1
    assert totals.longest_pause_ms == pytest.approx(975, abs=100 + run.noise_ms())
    assert totals.lost == 0
    for kind in ("service-http", "echo-service"):
        assert totals.of(kind).longest_gap_ms < 5000


def test_a_killed_client_loses_at_most_a_second_of_counts(run: Run) -> None:
    recording = run.recording("paused")
    assert recording.unreadable == 0
    runs = {one.origin.run for one in recording.increments}
    assert len(runs) == 2
    # Three seconds of which one was a pause, and one and a half after the start anew.
    assert 20 <= sum(one.sent for one in recording.increments if one.kind == "service-http") <= 45


def test_windows_add_up(run: Run) -> None:
    report = run.report("faults")
    whole = report.totals().of("service-http")
    middle = datetime.fromtimestamp(run.recording("faults").increments[len(FAULTS) * 8].wall, UTC)
    far = (datetime.fromtimestamp(0, UTC), datetime.now(UTC))
    parts = [report.between(far[0], middle).totals(), report.between(middle, far[1]).totals()]
    assert sum(part.of("service-http").sent for part in parts) == whole.sent
    assert sum(part.of("service-http").failed for part in parts) == whole.failed
    minutes = [totals for _, totals in report.per_minute()]
    assert sum(totals.of("service-http").sent for totals in minutes) == whole.sent

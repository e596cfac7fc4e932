"""The probe's own program: real processes on loopback."""

import asyncio
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from components.probe.in_pod.records.ledger import LATENCY_BOUNDS_MS, LONGEST_LINE_BYTES
from components.probe.measured import LATENCY_BOUNDS_MS as MEASURED_BOUNDS_MS
from components.probe.reading import measure
from components.probe.records import Networks
from tests.probe.loopback import Probes

_POD_KINDS = ("pod-http", "pod-full", "pod-echo")
_OLDEST = "3.9"


def _sent(probes: Probes, name: str, kind: str, to: str = "") -> int:
    record = probes.latest(name)
    rows = record.flows if record else []
    return sum(row["sent"] for row in rows if row["kind"] == kind and to in ("", row["to"]))


def test_the_buckets_in_the_pod_are_those_of_the_measurement() -> None:
    assert LATENCY_BOUNDS_MS == MEASURED_BOUNDS_MS


def test_probes_find_each_other_and_lose_nothing(tmp_path: Path) -> None:
    async def act() -> None:
        async with Probes(tmp_path, subnet=201) as probes:
            names = ["probe-11", "probe-12", "probe-13"]
            probes.tell(staying=names, service="probe-12")
            for name in names:
                await probes.start(name)
            pairs = [(mine, probes.address(other)) for mine in names for other in names if mine != other]
            wanted = [(mine, kind, to) for mine, to in pairs for kind in _POD_KINDS]
            wanted += [(mine, kind, "") for mine in names for kind in ("service-http", "service-echo", "dns")]
            await probes.until(lambda: all(_sent(probes, *flow) > 2 for flow in wanted))
            measured = measure(probes.reading(), networks=Networks(old=("127.0.0.0/8",)))
            assert measured.probes == 3
            assert sum(flow.failed + flow.planned for flow in measured.flows) == 0
            assert {flow.target_node for flow in measured.flows if flow.kind == "pod-echo"} == {
                f"node-of-{name}" for name in names
            }
            assert all(len(line) <= LONGEST_LINE_BYTES for name in names for line in probes.lines(name))
            status, body = await probes.ask("probe-11", "/?bytes=5000")
            said = json.loads(body)
            assert (status, said["pod"], len(said["padding"])) == (200, "probe-11", 5000)
            assert (await probes.ask("probe-11", "/ready"))[0] == 200
            _check_metrics((await probes.ask("probe-11", "/metrics"))[1].decode())

    asyncio.run(act())


def _check_metrics(text: str) -> None:
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert {families[name].type for name in ("cni_probe_attempts", "cni_probe_pauses")} == {"counter"}
    assert families["cni_probe_latency_seconds"].type == "histogram"
    assert {family.name for family in families.values() if family.type not in ("counter", "histogram")} == {
        "cni_probe_open_outages",
        "process_resident_memory_bytes",
        "process_start_time_seconds",
    }
    (memory,) = families["process_resident_memory_bytes"].samples
    assert 5e6 < memory.value < 64 * 2**20
    (start,) = families["process_start_time_seconds"].samples
    assert 0 < time.time() - start.value < 60
    assert {sample.value for sample in families["cni_probe_open_outages"].samples} == {0}
    outages = {
        (sample.labels["kind"], sample.labels["cause"]) for sample in families["cni_probe_outage_seconds"].samples
    }
    assert outages >= {(kind, cause) for kind in _POD_KINDS for cause in ("lost", "planned")}
    answered = {
        (sample.labels["kind"], sample.labels["target_node"]): sample.value
        for sample in families["cni_probe_attempts"].samples
        if sample.labels["outcome"] == "answered"
    }
    assert answered["pod-echo", "node-of-probe-12"] > 0
    buckets: dict[str, list[float]] = {}
    counts: dict[str, float] = {}
    for sample in families["cni_probe_latency_seconds"].samples:
        if sample.name.endswith("_bucket"):
            buckets.setdefault(sample.labels["kind"], []).append(sample.value)
        elif sample.name.endswith("_count"):
            counts[sample.labels["kind"]] = sample.value
    for kind, values in buckets.items():
        assert values == sorted(values)
        assert values[-1] == counts[kind]


def test_a_planned_end_costs_nobody_anything_and_its_record_is_inherited(tmp_path: Path) -> None:
    async def act() -> None:
        async with Probes(tmp_path, subnet=202) as probes:
            names = ["probe-11", "probe-12"]
            probes.tell(staying=names, service="probe-11")
            for name in names:
                await probes.start(name)
            await probes.until(lambda: all(_sent(probes, name, "pod-http") > 1 for name in names))
            ending = probes.processes["probe-12"]
            ending.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(ending.wait(), 10) == 0
            final = probes.latest("probe-12")
            assert final is not None
            assert final.final
            inherited = ('{"probe":1,"pod":"probe-12"', '{"past":1,"pod":"probe-12"')
            await probes.until(
                lambda: all(any(line.startswith(each) for line in probes.lines("probe-11")) for each in inherited)
            )
            (tmp_path / "probe-12.log").unlink()
            await asyncio.sleep(2.5)
            reading = probes.reading()
            assert reading.latest[final.key].flows == final.flows
            assert reading.pasts[final.key].extent == sum(row["sent"] for row in final.flows)
            assert reading.missing_inherited("probe-11") == 0
            measured = measure(reading, networks=Networks())
            assert sum(flow.failed for flow in measured.flows) == 0
            assert [outage for outage in measured.outages if not outage.planned] == []

    asyncio.run(act())


def test_a_killed_probe_is_a_loss(tmp_path: Path) -> None:
    async def act() -> None:
        async with Probes(tmp_path, subnet=203) as probes:
            names = ["probe-11", "probe-12"]
            probes.tell(staying=names)
            for name in names:
                await probes.start(name)
            await probes.until(lambda: _sent(probes, "probe-11", "pod-echo") > 20)
            probes.processes["probe-12"].kill()

            def told() -> bool:
                record = probes.latest("probe-11")
                return record is not None and {"pod-echo", "pod-http"} <= {each["kind"] for each in record.outages}

            await probes.until(told)
            measured = measure(probes.reading(), networks=Networks())
            losses = [outage for outage in measured.outages if outage.kind == "pod-echo"]
            assert [loss.planned for loss in losses] == [""]
            assert losses[0].target_pod == "probe-12"
            assert losses[0].failed

    asyncio.run(act())


def test_a_stopped_process_is_not_called_a_loss(tmp_path: Path) -> None:
    async def act() -> None:
        async with Probes(tmp_path, subnet=204) as probes:
            names = ["probe-11", "probe-12"]
            probes.tell(staying=names)
            for name in names:
                await probes.start(name)
            await probes.until(lambda: all(_sent(probes, name, "pod-echo") > 20 for name in names))
            process = probes.processes["probe-12"]
            process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(1.2)
            process.send_signal(signal.SIGCONT)

            def told() -> bool:
                record = probes.latest("probe-12")
                return record is not None and any(milliseconds > 1000 for _, milliseconds in record.pauses)

            await probes.until(told)
            await asyncio.sleep(2.5)
            measured = measure(probes.reading(), networks=Networks())
            echoes = [each for each in measured.outages if each.kind == "pod-echo" and each.source_pod == "probe-11"]
            assert [("did not run" in echo.planned) for echo in echoes] == [True]
            assert max(pause.milliseconds for pause in measured.pauses if pause.pod == "probe-12") > 1000

    asyncio.run(act())


@pytest.mark.parametrize("settings", ['{"echo_secs": 1}', "[]", "nonsense"])
def test_settings_that_make_no_sense_are_refused(tmp_path: Path, settings: str) -> None:
    (tmp_path / "probe").symlink_to(Path(__file__).parents[2] / "components/probe/in_pod")
    run = subprocess.run(
        [sys.executable, "-m", "probe.probe"],
        cwd=tmp_path,
        env={"SETTINGS": settings, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        timeout=20,
        check=False,
    )
    assert run.returncode != 0


def _oldest_python() -> str:
    """A Python of the oldest version that the probe is for; empty if this machine has none."""
    shims = sorted((Path.home() / ".pyenv" / "versions").glob(f"{_OLDEST}.*/bin/python3"))
    found = [*map(str, shims), shutil.which(f"python{_OLDEST}") or ""]
    works = (
        each
        for each in found
        if each and subprocess.run([each, "-V"], capture_output=True, check=False).returncode == 0
    )
    return next(works, "")


def test_it_runs_on_the_oldest_python(tmp_path: Path) -> None:
    python = _oldest_python()
    if not python:
        pytest.skip(f"Python {_OLDEST} is not installed")

    async def act() -> None:
        async with Probes(tmp_path, subnet=205, python=python) as probes:
            names = ["probe-11", "probe-12"]
            probes.tell(staying=names, service="probe-12")
            for name in names:
                await probes.start(name)
            await probes.until(lambda: all(_sent(probes, "probe-11", kind) > 1 for kind in (*_POD_KINDS, "dns")))
            assert all(line.startswith(('{"probe":1', '{"past":1')) for name in names for line in probes.lines(name))
            probes.processes["probe-12"].send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(probes.processes["probe-12"].wait(), 10) == 0

    asyncio.run(act())

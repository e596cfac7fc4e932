"""The probe's parts that need no process: whom it chooses, what it reads of names, what it counts, what is deployed."""

import asyncio
import contextlib
import json
import struct
from collections import Counter
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from components import probe
from components.pods import OurPods
from components.probe import manifests
from components.probe.in_pod.flows.dns import NoAddressError, TruncatedError, addresses, lookup, question, resolver
from components.probe.in_pod.neighbours import choose
from components.probe.in_pod.records import ledger as ledger_module
from components.probe.in_pod.records.ledger import LONGEST_LINE_BYTES, OUTCOMES, Ledger, Trouble
from components.probe.in_pod.records.metrics import metrics
from components.probe.records import Record

_ADDRESSES = st.lists(st.ip_addresses(v=4).map(str), min_size=1, max_size=40, unique=True)


@given(_ADDRESSES, st.integers(min_value=1, max_value=4), st.data())
def test_neighbours_change_only_for_those_who_had_the_one_that_left(
    everyone: list[str], count: int, data: st.DataObject
) -> None:
    gone = data.draw(st.sampled_from(everyone))
    for mine in everyone:
        before = choose(mine, everyone, count)
        after = choose(mine, [other for other in everyone if other != gone], count)
        assert mine not in before
        assert len(before) == min(count, len(everyone) - 1)
        if gone not in before:
            assert after == before
        else:
            assert set(before) - {gone} <= set(after)


def test_a_thousand_choose_evenly_enough() -> None:
    everyone = [f"10.{number // 250}.{number % 250}.2" for number in range(1000)]
    chosen = [other for mine in everyone for other in choose(mine, everyone, 3)]
    assert len(chosen) == 3000
    assert max(chosen.count(other) for other in everyone) < 15


@given(st.binary(max_size=80))
def test_any_answer_of_a_name_server_is_read_or_refused(message: bytes) -> None:
    with contextlib.suppress(NoAddressError, TruncatedError):
        assert addresses(message)


def test_addresses_are_read_from_an_answer() -> None:
    asked = question("probe.ours.svc.cluster.local")
    record = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 5, 4)
    head = asked[:2] + struct.pack("!HHHHH", 0x8180, 1, 2, 0, 0)
    answer = head + asked[12:] + record + bytes([10, 0, 0, 2]) + record + bytes([10, 0, 0, 1])
    assert addresses(answer) == ("10.0.0.1", "10.0.0.2")
    with pytest.raises(TruncatedError):
        addresses(answer[:2] + struct.pack("!H", 0x8380) + answer[4:])
    with pytest.raises(NoAddressError, match="code 3"):
        addresses(answer[:2] + struct.pack("!H", 0x8183) + answer[4:])


def test_the_name_server_and_domain_are_the_pods(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text("search ours.svc.cluster.local svc.cluster.local\nnameserver 10.96.0.10\nnameserver 1.1.1.1\n")
    assert resolver(path) == ("10.96.0.10", "ours.svc.cluster.local")


def test_a_record_stays_within_its_bound_whatever_happened() -> None:
    ledger = Ledger(pod="p" * 60, node="n" * 60, address="10.0.0.1", run="1-a")
    for number in range(500):
        address = f"10.0.{number // 250}.{number % 250}"
        for kind in ("pod-http", "pod-echo", "pod-full"):
            row = ledger.row(kind, address)
            row.sent += 1000
            ledger.met(address, pod="x" * 60, node="y" * 60)
            trouble = Trouble(kind=kind, to=address, start=1e9, ms=1e4, why="z" * 60)
            ledger.closed(ledger.opened(trouble), row)
    line = ledger.line()
    assert len(line) <= LONGEST_LINE_BYTES
    record = Record.read(line)
    assert record is not None
    assert sum(row["sent"] for row in record.flows) == 500 * 3 * 1000
    assert max(row["gap"] for row in record.flows) == 1e4


def test_an_outage_counts_its_failures_once_it_is_known_why() -> None:
    ledger = Ledger(pod="p", node="n", address="10.0.0.1", run="1-a")
    row = ledger.row("pod-echo", "10.0.0.2")
    for planned, expected in (("", (3, 0)), ("paused", (3, 3))):
        trouble = ledger.opened(Trouble(kind="pod-echo", to="10.0.0.2", start=1.0, ms=10, failed=3, owed=3))
        trouble.planned = planned
        ledger.closed(trouble, row)
        assert (row.failed, row.planned, trouble.owed) == (*expected, 0)


_STEPS = st.tuples(st.integers(0, 5), st.sampled_from(("", "node-1", "node-2", *OUTCOMES)))


@given(st.lists(_STEPS, min_size=20, max_size=60))
def test_an_attempt_counts_for_the_node_that_it_went_to_whatever_comes_later(steps: list[tuple[int, str]]) -> None:
    """Pods move, addresses get other pods, and old rows and names are given up; a scraper reads now and then."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger_module, "_ROWS_KEPT", 4)
        patch.setattr(ledger_module, "_NAMES_KEPT", 3)
        ledger = Ledger(pod="p", node="n", address="10.0.0.1", run="1-a")
        counted: Counter[tuple[str, str]] = Counter()
        for peer, what in steps:
            address = f"10.0.0.{peer}"
            if what in OUTCOMES:
                row = ledger.row("pod-http", address)
                row.latency[0] += what == "answered"
                row.failed += what == "failed"
                row.planned += what == "planned"
                counted[ledger.target_node("pod-http", address), what] += 1
            elif what:
                ledger.met(address, pod=f"pod-{peer}", node=what)
            else:
                _same(ledger, counted)
        _same(ledger, counted)


def _same(ledger: Ledger, counted: "Counter[tuple[str, str]]") -> None:
    told = {
        (node, outcome): n for _, node, counts in ledger.attempts() for outcome, n in zip(OUTCOMES, counts, strict=True)
    }
    assert Counter(told) == counted


def test_an_outage_under_way_is_told_where_it_is() -> None:
    ledger = Ledger(pod="p", node="n", address="10.0.0.1", run="1-a")
    ledger.met("10.0.0.2", pod="q", node="node-2")
    row = ledger.row("pod-echo", "10.0.0.2")
    trouble = ledger.opened(Trouble(kind="pod-echo", to="10.0.0.2", start=1.0, ms=7000))
    line = 'cni_probe_open_outages{kind="pod-echo",target_node="node-2"} '
    assert f"{line}1\n" in metrics(ledger)
    ledger.closed(trouble, row)
    told = metrics(ledger)
    assert f"{line}0\n" in told
    assert 'cni_probe_outage_seconds_bucket{kind="pod-echo",cause="lost",le="5.0"} 0\n' in told
    assert 'cni_probe_outage_seconds_bucket{kind="pod-echo",cause="lost",le="10.0"} 1\n' in told


def test_every_pod_is_locked_down() -> None:
    objects = {each["metadata"]["name"] + each["kind"]: each for each in manifests.manifests(OurPods(image="image"))}
    assert yaml.safe_load(json.dumps(list(objects.values())))
    for name in ("probeDaemonSet", "probe-movingDeployment"):
        pod = objects[name]["spec"]["template"]["spec"]
        assert pod["automountServiceAccountToken"] is False
        for container in pod["containers"]:
            security = container["securityContext"]
            assert security["runAsNonRoot"]
            assert security["readOnlyRootFilesystem"]
            assert security["capabilities"] == {"drop": ["ALL"]}
            assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    for component in (manifests.STAYING, manifests.MOVING):
        selector = objects[f"{component}Service"]["spec"]["selector"]
        workload = objects["probeDaemonSet" if component == manifests.STAYING else f"{component}Deployment"]
        assert selector.items() <= workload["spec"]["template"]["metadata"]["labels"].items()
        assert objects[f"{component}Service"]["spec"]["publishNotReadyAddresses"]
    assert "publishNotReadyAddresses" not in objects["probeService"]["spec"]


def test_the_programs_are_all_there_and_small_enough_for_a_config_map() -> None:
    sources = probe.sources()
    assert {"probe.py", "flows.echo.py", "reach.py"} <= set(sources)
    volume: Any = probe.programs_volume()
    folder = Path(probe.__file__).parent / "in_pod"
    paths = {each["path"]: each["key"] for each in volume["configMap"]["items"]}
    assert {path: sources[key] for path, key in paths.items()} == {
        str(file.relative_to(folder)): file.read_text() for file in folder.rglob("*.py")
    }
    assert sum(map(len, sources.values())) < 500_000
    settings = {each["name"]: each.get("value") for each in probe.container()["env"]}  # type: ignore[attr-defined]
    assert json.loads(settings["SETTINGS"]) == {"staying_neighbours": 0, "moving_neighbours": 0}


def _answer(asked: bytes, *, flags: int, count: int) -> bytes:
    record = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 5, 4)
    head = asked[:2] + struct.pack("!HHHHH", flags, 1, count, 0, 0)
    return head + asked[12:] + b"".join(record + bytes([10, 0, number // 250, number % 250]) for number in range(count))


class _Truncates(asyncio.DatagramProtocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.transport.sendto(_answer(data, flags=0x8380, count=0), addr)


def test_a_thousand_addresses_come_over_a_connection() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (length,) = struct.unpack("!H", await reader.readexactly(2))
        answer = _answer(await reader.readexactly(length), flags=0x8180, count=1000)
        writer.write(struct.pack("!H", len(answer)) + answer)
        writer.close()

    async def act() -> tuple[str, ...]:
        listener = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            _Truncates, local_addr=("127.0.0.1", port)
        )
        try:
            return await lookup("probe-staying.ours.svc.cluster.local", server=("127.0.0.1", port))
        finally:
            transport.close()
            listener.close()

    assert len(set(asyncio.run(act()))) == 1000

"""Messages of strangers to a probe: nothing is told on, nothing keeps its neighbours' flows from an answer."""

import asyncio
import base64
import json
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from components.probe.in_pod import serving
from components.probe.in_pod.records.counts_over_time import Past
from components.probe.in_pod.records.ledger import LATENCY_BOUNDS_MS, Ledger
from components.probe.in_pod.records.signing import HEADER, Key
from components.probe.in_pod.records.validation import KINDS, read_past, read_record
from components.probe.in_pod.serving import Server
from components.probe.reading import measure
from components.probe.records import Networks
from stacks.flows import FlowKind
from tests.probe.loopback import Probes

_LATENCY = [1, *[0] * len(LATENCY_BOUNDS_MS)]
_ORIGIN = {"pod": "probe-9", "node": "worker-9", "ip": "10.244.9.2", "run": "run-9"}


def record(**changes: Any) -> bytes:
    """A good one, in which all of one flow was lost, but for the changes."""
    flow = {"kind": "pod-http", "to": "10.244.1.2", "sent": 90, "failed": 80, "latency": _LATENCY}
    said = json.loads(Ledger(pod="", node="", address="", run="").line()) | _ORIGIN | {"flows": [flow]}
    return json.dumps({**said, **changes}, separators=(",", ":")).encode()


def flow(**changes: Any) -> bytes:
    return record(flows=[{**json.loads(record())["flows"][0], **changes}])


def past(counts: Any = None, *, packed: bytes = b"", **changes: Any) -> bytes:
    packed = packed or zlib.compress(json.dumps(counts).encode())
    said = {"past": 1, **_ORIGIN, "seconds": 10.0, "moments": base64.b64encode(packed).decode()}
    return json.dumps({**said, **changes}, separators=(",", ":")).encode()


# Signed with the right key, as a pod of ours that was taken over would.
MISSHAPEN = {
    "nothing": b"",
    "no JSON": b"probe",
    "no UTF-8": b"\xff\xfe\x00",
    "null": b"null",
    "a list": b"[]",
    "nested": b"[" * 30_000,
    "nested within": record(flows="x").replace(b'"x"', b"[" * 9_000 + b"]" * 9_000),
    "too long": record(run="x" * 40_000),
    "a long text": record(run="x" * 3_000),
    "a number for a name": record(pod=7),
    "no address": record(ip="10.244.9.999"),
    "a negative count": flow(sent=-1),
    "a negative failed": flow(failed=-80),
    "a part of a count": flow(sent=1.5),
    "a truth for a count": flow(sent=True),
    "a text for a count": flow(sent="90"),
    "NaN": flow(gap=float("nan")),
    "infinite": flow(gap=float("inf")),
    "a number without end": flow(sent=0).replace(b'"sent":0', b'"sent":' + b"9" * 9_000),
    "a kind of its own": flow(kind="pod-smtp"),
    "to no address": flow(to="localhost"),
    "too few buckets": flow(latency=[1]),
    "a negative bucket": flow(latency=[-1, *_LATENCY[1:]]),
    "a field of its own": flow(note="x"),
    "a field too few": record().replace(b'"since"', b'"sinze"'),
    "too many flows": record(flows=[{}] * 1_001),
    "an outage of its own": record(outages=[{"kind": "dns", "to": "a", "start": 1, "ms": -5}]),
    "a pause that is none": record(pauses=[[1]]),
    "names that are none": record(names={"10.244.1.2": "probe"}),
    "another version": record(probe=2),
    "a past of nothing": past(None),
    "a past with a negative count": past({"1": {"dns": [-1, 0, 0, *_LATENCY]}}),
    "a past with few counts": past({"1": {"dns": [1]}}),
    "a past of no moment": past({"x": {}}),
    "a past without a width": past({}, seconds=0),
    "a past that is torn": past(packed=zlib.compress(b"{}" * 500)[:-6]),
    "a past that is not packed": past(packed=b"{}"),
    "a past that is no base64": past({}, moments="%%"),
    "a past of a gigabyte": past(packed=zlib.compress(b" " * (20 << 20) + b"{}")),
}
RAW = {
    "not signed": b"POST /inherit HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}",
    "a GET": b"GET /inherit HTTP/1.1\r\n\r\n",
    "no length": b"POST /inherit HTTP/1.1\r\ncontent-length: -1\r\n\r\n{}",
    "a superscript for a length": b"POST /inherit HTTP/1.1\r\ncontent-length: \xb2\r\n\r\n{}",
    "a length without end": b"POST /inherit HTTP/1.1\r\ncontent-length: " + b"9" * 7_000 + b"\r\n\r\n{}",
    "no address": b"GET http://[ HTTP/1.1\r\n\r\n",
    "a size that is none": b"GET /x?bytes=%C2%B2 HTTP/1.1\r\n\r\n",
    "a size without end": b"GET /x?bytes=" + b"9" * 7_000 + b" HTTP/1.1\r\n\r\n",
    "a head without end": b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 5_000,
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00" + b"\x00" * 400 + b"\r\n\r\n",
    "no words": b"\r\n\r\n",
}


def test_the_kinds_are_those_of_the_config() -> None:
    assert set(KINDS) == set(get_args(FlowKind))


@pytest.mark.parametrize("name", MISSHAPEN)
def test_what_has_not_the_form_is_none(name: str) -> None:
    text = MISSHAPEN[name].decode(errors="replace")
    if name != "too long":  # which the server refuses already
        assert read_record(text) is None
        assert read_past(text) is None


def test_what_probes_write_has_the_form() -> None:
    ledger = Ledger(pod="probe-1", node="worker-1", address="fd00::1", run="run-1")
    ledger.row("pod-http", "10.244.1.2").sent += 1
    assert read_record(ledger.line(inherited=1, inherited_pasts=2, final=True))
    kept = Past()
    kept.take(ledger.rows.values(), at=time.time())
    assert read_past(kept.line(_ORIGIN))


def _request(body: bytes, signed: str) -> bytes:
    return f"POST /inherit HTTP/1.1\r\n{HEADER}: {signed}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


def _signed(key: Key, body: bytes, *, receiver: str, ago: float = 0) -> bytes:
    return _request(body, key.sign(body, receiver=receiver, at=time.time() - ago))


async def _send(host: str, port: int, data: bytes) -> int:
    """The status of the answer; 0 if there is none."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(data)
        await writer.drain()
        line = await asyncio.wait_for(reader.readline(), 15)
    except ConnectionError:
        return 0
    finally:
        writer.close()
    return int(line.split()[1]) if line else 0


def _forged(own: Key, other: Key, host: str) -> Iterator[tuple[str, bytes]]:
    """A good record that is not from a probe of ours, to this one, now."""
    good = record()
    yield "with another key", _signed(other, good, receiver=host)
    yield "for another probe", _signed(own, good, receiver="127.0.0.99")
    yield "long ago", _signed(own, good, receiver=host, ago=400)
    yield "in the future", _signed(own, good, receiver=host, ago=-400)
    yield "changed", _signed(own, good, receiver=host).replace(b'"failed":80', b'"failed":90')
    yield "without a moment", _request(good, own.sign(good, receiver=host, at=time.time()).partition(" ")[2])
    yield "with junk", _request(good, "\xb2 \xff")


def test_nothing_of_strangers_is_told_on_and_a_record_of_ours_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "other-key").write_text("another key")

    async def act() -> None:
        async with Probes(tmp_path, subnet=209) as probes:
            names = ["probe-11", "probe-12"]
            probes.tell(staying=names)
            for name in names:
                await probes.start(name, http_seconds=0.2)
            host, port = probes.address("probe-11"), probes.http
            await probes.until(lambda: probes.latest("probe-12"))
            own, other = Key(str(probes.key)), Key(str(tmp_path / "other-key"))
            junk = {name: _signed(own, body, receiver=host) for name, body in MISSHAPEN.items()}
            for name, data in {**junk, **RAW, **dict(_forged(own, other, host))}.items():
                status = await _send(host, port, data)
                assert status in (0, 400, 409) or (name in RAW and b"/inherit" not in data), name
            good = _signed(own, record(), receiver=host)
            assert [await _send(host, port, good) for _ in range(2)] == [200, 409]
            older = _signed(own, record(number=0), receiver=host)
            assert await _send(host, port, older) == 409
            seen = len(probes.lines("probe-12"))
            await probes.until(lambda: len(probes.lines("probe-12")) > seen)
            told = [line for line in probes.lines("probe-11") if '"by":"probe-11"' in line]
            assert {json.loads(line)["pod"] for line in told} == {"probe-9"}
            assert all(line.startswith(('{"probe":1,', '{"past":1,')) for line in probes.lines("probe-11"))
            reading = probes.reading()
            assert {pod for pod, _ in reading.latest} == {"probe-9", *names}
            del reading.latest["probe-9", "run-9"]
            assert [each for each in measure(reading, networks=Networks()).flows if each.failed] == []

    asyncio.run(act())


def test_without_a_key_nothing_is_taken(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    for file in ("none", "empty"):
        key = Key(str(tmp_path / file))
        assert key.sign(b"x", receiver="a", at=1.0) == ""
        for said in ("", " ", "1.000 ", "1.000 x"):
            assert not key.signed(said, b"x", receiver="a", now=1.0)


async def _serve(port: int) -> Server:
    server = Server(pod="probe-1", node="worker-1", metrics=str, inherit=lambda *_: True)
    server.now = time.monotonic  # type: ignore[method-assign]
    await server.start("127.0.0.1", http=port, echo=port + 1)
    return server


def test_connections_that_say_nothing_give_way(free_ports: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "_MOST_REQUESTS", 20)
    monkeypatch.setattr(serving, "_MOST_ECHOES", 20)

    async def act() -> None:
        server = await _serve(free_ports)
        beating = await asyncio.open_connection("127.0.0.1", free_ports + 1)
        await beating[0].readline()
        beating[1].write(b"1 x\n")
        await beating[0].readline()
        idle = [await asyncio.open_connection("127.0.0.1", free_ports + number % 2) for number in range(100)]
        assert await _send("127.0.0.1", free_ports, b"GET / HTTP/1.1\r\n\r\n") == 200
        assert len(server.requests) <= 20
        assert len(server.echoes) <= 20
        beating[1].write(b"2 x\n")
        assert (await beating[0].readline()).startswith(b"2 ")
        for _, writer in idle:
            writer.close()

    asyncio.run(act())


def test_who_is_slow_has_so_many_seconds(free_ports: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However busily it sends a byte now and then; the loop's clock stands still but for what the test moves it."""
    arrived, take = list[bytes](), serving.HttpConnection.data_received

    def received(connection: serving.HttpConnection, data: bytes) -> None:
        arrived.append(data)
        take(connection, data)

    monkeypatch.setattr(serving.HttpConnection, "data_received", received)

    async def act() -> None:
        seconds = 0.0
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: seconds)
        server = await _serve(free_ports)
        _, writer = await asyncio.open_connection("127.0.0.1", free_ports)
        writer.write(_request(b"x" * 900, "signed")[:-800])
        while not server.records:
            await asyncio.sleep(0)
        for seconds in range(1, 10):
            writer.write(b"x")
            while len(arrived) <= seconds:
                await asyncio.sleep(0)
            assert len(server.requests) == len(server.records) == 1, f"cut off after {seconds} s"
        seconds = serving._REQUEST_SECONDS
        for _ in range(3):
            await asyncio.sleep(0)
        assert (server.requests, server.records) == ({}, {})
        writer.close()

    asyncio.run(act())


def test_what_is_held_for_strangers_is_bounded(free_ports: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "_MOST_HELD_BYTES", 100_000)
    monkeypatch.setattr(serving, "_MOST_RECORDS_AT_ONCE", 4)

    async def act() -> None:
        server = await _serve(free_ports)
        writers = []
        for number in range(12):
            _, echo = await asyncio.open_connection("127.0.0.1", free_ports + 1)
            echo.write(b"x" * (20_000 + number))
            _, half = await asyncio.open_connection("127.0.0.1", free_ports)
            half.write(_request(b"x" * 30_000, "signed")[:-1])
            writers += [echo, half]
        await asyncio.sleep(0.3)
        assert server.held_bytes <= 100_000
        assert 0 < len(server.records) <= 4
        assert await _send("127.0.0.1", free_ports, _request(record(), "signed")) == 200
        deaf, unread = await asyncio.open_connection("127.0.0.1", free_ports + 1)
        del deaf
        for _ in range(400):
            unread.write(b"1 " + b"x" * 60_000 + b"\n")
            await asyncio.sleep(0)
        for writer in (*writers, unread):
            writer.close()
        await asyncio.sleep(0.2)
        assert (server.held_bytes, server.echoes) == (0, {})

    asyncio.run(act())


@pytest.fixture
def free_ports() -> int:
    """The first of two that nobody listens at."""
    import socket

    while True:
        with socket.socket() as one, socket.socket() as two:
            one.bind(("127.0.0.1", 0))
            port: int = one.getsockname()[1]
            try:
                two.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port

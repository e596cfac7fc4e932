"""Plugins that a killed engine left at work: only those, and only of this folder, are told to cancel and ended."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from components import killed_runs
from components.operations.deadline import OperationError

_PROVIDER = """
import signal, sys, time
from concurrent.futures import ThreadPoolExecutor
import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import provider_pb2_grpc

class Provider(provider_pb2_grpc.ResourceProviderServicer):
    def Cancel(self, request, context):
        open("cancelled", "w").close()
        return Empty()

if sys.argv[1] == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
server = grpc.server(ThreadPoolExecutor())
provider_pb2_grpc.add_ResourceProviderServicer_to_server(Provider(), server)
server.add_insecure_port("127.0.0.1:0")
server.start()
print("ready", flush=True)
time.sleep(60)
"""
_OTHER_SERVICE = """
import time
from concurrent.futures import ThreadPoolExecutor
import grpc

server = grpc.server(ThreadPoolExecutor())
server.add_insecure_port("127.0.0.1:0")
server.start()
print("ready", flush=True)
time.sleep(60)
"""
_SILENT = """
import socket, time
with socket.create_server(("127.0.0.1", 0)):
    print("ready", flush=True)
    time.sleep(60)
"""


@contextmanager
def process(program: str, folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The program, once it serves."""
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-c", program, *arguments]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        yield running
        running.kill()


@pytest.fixture
def gone() -> str:
    """The address of an engine that is no more."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(killed_runs, "_WIND_UP_SECONDS", 0.1)
    monkeypatch.setattr(killed_runs, "_END_SECONDS", 1.0)
    monkeypatch.setattr(killed_runs, "_CANCEL_SECONDS", 1.0)


def test_it_is_told_to_cancel_and_ends(tmp_path: Path, gone: str) -> None:
    with process(_PROVIDER, tmp_path, "willing", gone) as left:
        found = killed_runs.left_plugins(tmp_path)
        assert [each.process.pid for each in found] == [left.pid]
        assert str(left.pid) in found[0].title
        assert left.poll() is None, "to look is not to end"
        killed_runs.end_left_plugins(tmp_path)
        left.wait(timeout=5)
        assert (tmp_path / "cancelled").exists()
        killed_runs.end_left_plugins(tmp_path)


def test_one_that_does_not_end_stops_the_run(tmp_path: Path, gone: str) -> None:
    with process(_PROVIDER, tmp_path, "stubborn", gone) as left:
        with pytest.raises(OperationError, match=f"`kill -9 {left.pid}`"):
            killed_runs.end_left_plugins(tmp_path)
        assert left.poll() is None


def test_one_that_does_not_answer_stops_the_run(tmp_path: Path, gone: str) -> None:
    with process(_SILENT, tmp_path, gone) as left:
        with pytest.raises(OperationError, match=f"does not answer.*`kill -9 {left.pid}`"):
            killed_runs.end_left_plugins(tmp_path)
        assert left.poll() is None


def test_whatever_is_not_left_is_left_alone(tmp_path: Path, gone: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as engine:
        alive = f"127.0.0.1:{engine.getsockname()[1]}"
        here, there = tmp_path / "here", tmp_path / "there"
        with (
            process(_PROVIDER, here, "willing", alive) as at_work,
            process(_PROVIDER, there, "willing", gone) as of_another,
            process(_PROVIDER, here, "willing", "127.0.0.1") as of_nobody,
            process(_OTHER_SERVICE, here, gone) as no_provider,
        ):
            killed_runs.end_left_plugins(here)
            running = (at_work, of_another, of_nobody, no_provider)
            assert [each.poll() for each in running] == [None] * len(running)
            assert not (here / "cancelled").exists()

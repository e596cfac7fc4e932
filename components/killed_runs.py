"""Detects and ends Pulumi plugins on this machine that outlived a killed engine of this folder's program.

Pulumi's plugins check their engine's health every five minutes (its Go SDK, `rpcutil.Healthcheck`), so for that long
one continues its last operation, such as a Helm upgrade, while the next run begins. Such a plugin is told to cancel,
as by Ctrl-C, and then to end. A plugin on another machine is not found.
"""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from components.operations.deadline import OperationError
from components.operations.progress import say_aloud

_ENGINE = re.compile(r"127\.0\.0\.1:(\d+)")
_LOOK_SECONDS = 1.0
_CANCEL_SECONDS = 5.0
_WIND_UP_SECONDS = 2.0  # for Helm to record the cancellation, which gives no signal
_END_SECONDS = 30.0
_one_at_a_time = threading.Lock()
_looked_through: set[Path] = set()  # by this process: once is enough, as leftovers are there when a run begins


@dataclass(frozen=True)
class LeftPlugin:
    """A plugin whose engine is gone; `ports` are those on which it listens."""

    process: psutil.Process
    name: str
    ports: tuple[int, ...]

    @property
    def title(self) -> str:
        """The plugin's name and process ID."""
        return f"{self.name} (process {self.process.pid})"


def left_plugins(folder: Path) -> list[LeftPlugin]:
    """The plugins of killed engines whose program is in `folder`."""
    return [found for process in psutil.process_iter() if (found := _left(process, folder))]


def _left(process: psutil.Process, folder: Path) -> LeftPlugin | None:
    with suppress(psutil.Error, OSError):
        command = process.cmdline()
        engine = _ENGINE.fullmatch(command[-1]) if len(command) > 1 else None
        if not engine or Path(process.cwd()) != folder or not _is_gone(int(engine[1])):
            return None
        ports = tuple(_ports(process))
        return LeftPlugin(process, Path(command[0]).name, ports) if ports else None
    return None


def _is_gone(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=_LOOK_SECONDS).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False  # a lack of sockets or a time-out says nothing about the engine
    return False


def _ports(process: psutil.Process) -> Iterator[int]:
    for each in process.net_connections(kind="tcp"):
        if each.status == psutil.CONN_LISTEN:
            yield each.laddr.port


def end_left_plugins(folder: Path) -> None:
    """End all of them, once per process; raises OperationError if one stays, as it may still change the cluster."""
    with _one_at_a_time:
        if folder in _looked_through:
            return
        for plugin in left_plugins(folder):
            # Otherwise it is no provider, or has just ended, and changes no cluster.
            if any(_cancel(plugin, port) for port in plugin.ports):
                _end(plugin)
        _looked_through.add(folder)


def _end(plugin: LeftPlugin) -> None:
    say_aloud(f"{plugin.title} outlived an engine that was killed: it is told to cancel what it does, and to end")
    psutil.wait_procs([plugin.process], timeout=_WIND_UP_SECONDS)
    with suppress(psutil.NoSuchProcess):
        plugin.process.terminate()
    _, staying = psutil.wait_procs([plugin.process], timeout=_END_SECONDS)
    if staying:
        raise _stays(plugin, f"has not ended in {_END_SECONDS:.0f} s")


def _stays(plugin: LeftPlugin, fact: str) -> OperationError:
    return OperationError(
        f"{plugin.title} outlived an engine that was killed, and {fact}: it may still be changing the cluster; type "
        f"`kill -9 {plugin.process.pid}`, then `pulumi up` again"
    )


def _cancel(plugin: LeftPlugin, port: int) -> bool:
    """Ask the provider at this port to cancel; False if there is none. Raises OperationError if nothing answers."""
    import grpc
    from google.protobuf.empty_pb2 import Empty
    from pulumi.runtime.proto import provider_pb2_grpc

    stub: Any = provider_pb2_grpc.ResourceProviderStub(grpc.insecure_channel(f"127.0.0.1:{port}"))
    try:
        stub.Cancel(Empty(), timeout=_CANCEL_SECONDS)
    except grpc.RpcError as error:
        if error.code() is grpc.StatusCode.UNIMPLEMENTED:
            return False
        # A plugin that has just ended by itself does not answer either.
        _, staying = psutil.wait_procs([plugin.process], timeout=_WIND_UP_SECONDS)
        if staying:
            raise _stays(plugin, f"does not answer in {_CANCEL_SECONDS:.0f} s") from None
        return False
    return True

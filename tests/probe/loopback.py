"""Real probes as processes on loopback, each at an address of its own, with a name server that says what it is told."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType

from components.probe.records import Reading, Record
from tests.lab.workloads.faults import NameServer, free_port, name_server

_FOLDER = Path(__file__).parents[2] / "components" / "probe"
_DOMAIN = "test.svc"


class Probes:
    """Some probes that know each other by name; ended with the block."""

    def __init__(self, scratch: Path, *, subnet: int, python: str = sys.executable) -> None:
        self._scratch = scratch
        self._python = python
        self._subnet = subnet
        self._stack = AsyncExitStack()
        self.key = scratch / "key"
        self.processes: dict[str, asyncio.subprocess.Process] = {}
        self.http, self.echo = free_port("127.0.0.1"), free_port("127.0.0.1")
        self._server: NameServer | None = None
        self._name_server = ("", 0)

    async def __aenter__(self) -> "Probes":
        self._server, where = await self._stack.enter_async_context(name_server())
        host, _, port = where.partition(":")
        self._name_server = host, int(port)
        # Where the programs are in a pod: a package of that name, in a folder that is looked into.
        (self._scratch / "probe").symlink_to(_FOLDER / "in_pod")
        self.key.write_text("the installation's key\n")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self.processes.values():
            if process.returncode is None:
                process.kill()
            await process.wait()
        await self._stack.aclose()

    def address(self, name: str) -> str:
        """The address of the probe `probe-N`."""
        return f"127.{self._subnet}.0.{name.rpartition('-')[2]}"

    def tell(self, *, staying: list[str], service: str = "") -> None:
        """Set the answers of the name server from now on."""
        assert self._server
        self._server.names = {f"probe-staying.{_DOMAIN}": tuple(self.address(name) for name in staying)}
        if service:
            self._server.names[f"probe.{_DOMAIN}"] = (self.address(service),)

    async def start(self, name: str, **settings: object) -> asyncio.subprocess.Process:
        """Start a probe."""
        address = self.address(name)
        known = {
            "listen": address,
            "http_port": self.http,
            "echo_port": self.echo,
            "service_http_port": self.http,
            "service_echo_port": self.echo,
            "name_server": self._name_server[0],
            "name_server_port": self._name_server[1],
            "domain": _DOMAIN,
            "lame_duck_seconds": 0.5,
            "key_file": str(self.key),
        }
        log = (self._scratch / f"{name}.log").open("ab")
        process = await asyncio.create_subprocess_exec(
            self._python,
            "-u",
            "-m",
            "probe.probe",
            cwd=self._scratch,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONDONTWRITEBYTECODE": "1",
                "POD_NAME": name,
                "NODE_NAME": f"node-of-{name}",
                "POD_IP": address,
                "SETTINGS": json.dumps({**known, **settings}),
            },
            stdout=log,
            stderr=log,
        )
        log.close()
        self.processes[name] = process
        return process

    def lines(self, name: str) -> list[str]:
        """The log of a probe."""
        path = self._scratch / f"{name}.log"
        return path.read_text().splitlines() if path.exists() else []

    def reading(self) -> Reading:
        """The records of all logs."""
        reading = Reading(with_pasts=True)
        for path in self._scratch.glob("*.log"):
            reading.add(path.read_text().splitlines())
        return reading

    def latest(self, name: str) -> Record | None:
        """The latest record of a probe in its own log."""
        records = [record for record in map(Record.read, self.lines(name)) if record and not record.by]
        return records[-1] if records else None

    async def until(self, holds: Callable[[], object], *, seconds: float = 30) -> None:
        """Wait until something holds."""
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, {name: self.lines(name)[-1:] for name in self.processes}
            await asyncio.sleep(0.1)

    async def ask(self, name: str, path: str) -> tuple[int, bytes]:
        """(status, body) of a GET."""
        reader, writer = await asyncio.open_connection(self.address(name), self.http)
        writer.write(f"GET {path} HTTP/1.1\r\nhost: test\r\n\r\n".encode())
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        return int(head.split()[1]), body

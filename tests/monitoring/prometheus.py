"""A real Prometheus on loopback, asked by its API."""

import json
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml

from tests.lab.workloads.faults import free_port

Sample = tuple[dict[str, str], float]


class Prometheus:
    """Runs with a config until the block ends."""

    def __init__(self, folder: Path, config: dict[str, Any]) -> None:
        self._folder = folder
        self._config = folder / "prometheus.yaml"
        self._config.write_text(yaml.safe_dump(config))
        self.url = f"http://127.0.0.1:{free_port('127.0.0.1')}"

    def __enter__(self) -> "Prometheus":
        promtool("check", "config", str(self._config))
        command = [
            "prometheus",
            f"--config.file={self._config}",
            f"--storage.tsdb.path={self._folder / 'data'}",
            f"--web.listen-address={self.url.removeprefix('http://')}",
        ]
        with (self._folder / "prometheus.log").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        while not self._ready():
            assert self._process.poll() is None, self._log()
            assert time.monotonic() < deadline, self._log()
            time.sleep(0.1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(20)

    def _log(self) -> str:
        return (self._folder / "prometheus.log").read_text()[-2000:]

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=2):
                return True
        except OSError:
            return False

    def get(self, path: str, **query: str | float) -> Any:
        """The data of an answer; its error fails the test."""
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(query)}") as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{query}: {error.read().decode()}") from error

    def ask(self, expression: str, *, at: float = 0) -> list[Sample]:
        """The value of an expression at a moment, by default now."""
        found = self.get("query", query=expression, time=at or time.time())["result"]
        return [(each["metric"], float(each["value"][1])) for each in found]


def promtool(*arguments: str) -> None:
    """Run one of its checks; what it complains of fails the test."""
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
